from benchmarks.growth.main import app

app()
