"""uvicorn's HTTP protocol with limits on connections and on the time that requests and answers take."""
