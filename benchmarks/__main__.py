from benchmarks.main import app

app()
