"""Stand in for training: sleep, and leave a result with status ``finished``.

``python -m benchmark.proof.speed.sleeper SECONDS FOLDER``
"""

import sys
import time
from pathlib import Path

if __name__ == "__main__":
    time.sleep(float(sys.argv[1]))
    (Path(sys.argv[2]) / "result.json").write_text('{"status": "finished"}')
