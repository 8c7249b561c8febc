"""Renders templates that are not ours, in a process that may be killed: `python -m alerting.templates.worker`.

A request is a line of JSON on standard input, `{"folder", "name", "context"}`, and its answer a line on standard
output, `{"text"}` or `{"problem"}`. Memory and processor time are bounded by the kernel, so that neither a loop
without an end nor a text without one goes further than here, even if whoever asked is gone.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any, Final

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerting.templates.environment import BUILT_IN, LONGEST_OUTPUT, environment

MEMORY_BYTES: Final = 512 * 1024**2
SECONDS: Final = 3  # of the processor, for one text


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    environments: dict[str, ImmutableSandboxedEnvironment] = {}
    for line in sys.stdin.buffer:
        request = json.loads(line)
        folder = request["folder"]
        if folder not in environments:
            environments[folder] = environment([Path(folder), BUILT_IN])
        _bound_time()
        answer = _answer(environments[folder], request["name"], request["context"])
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


def _bound_time() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + SECONDS + 1, hard))


def _answer(templates: ImmutableSandboxedEnvironment, name: str, context: dict[str, Any]) -> dict[str, str]:
    try:
        parts: list[str] = []
        length = 0
        for part in templates.get_template(name).generate(context):
            parts.append(part)
            length += len(part)
            if length > LONGEST_OUTPUT:
                return {"problem": f"it becomes longer than {LONGEST_OUTPUT} characters"}
        return {"text": "".join(parts)}
    except MemoryError:
        return {"problem": "it needs too much memory"}
    except TemplateError as error:
        return {"problem": f"{type(error).__name__}: {error}"}
    except Exception as error:  # noqa: BLE001 – what a template does with values of any kind may raise anything
        return {"problem": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    main()
