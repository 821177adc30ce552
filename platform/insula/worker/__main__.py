import asyncio

from insula.settings import Settings
from insula.worker.process import run

if __name__ == "__main__":
    asyncio.run(run(Settings()))
