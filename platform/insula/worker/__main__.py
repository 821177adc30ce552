import asyncio

from insula.apps.settings import read
from insula.worker.process import run

if __name__ == "__main__":
    asyncio.run(run(*read()))
