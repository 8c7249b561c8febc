# One image for every part: Python with what uv.lock says, Java, and the Java libraries that Spark is given.
# To pin by digest, put @sha256:… behind the version: docs/compose.md says how to look it up.

FROM python:3.11.15-slim-bookworm AS base
# Java comes as Debian has it today, so that a new build has its security fixes.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/urbanclear/venv/bin:$PATH


FROM base AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_PROJECT_ENVIRONMENT=/opt/urbanclear/venv \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
WORKDIR /src
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --no-install-project
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --no-editable
RUN python -c "import shutil; from urbanclear.embedded.jars import resolve; from urbanclear.settings import Settings; \
        shutil.copytree(resolve('spark', Settings()), '/opt/urbanclear/jars')"


FROM base
# Spark wants a name for whom it runs as; the folders are where volumes go, which begin as theirs.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/urbanclear --shell /usr/sbin/nologin urbanclear \
    && install --directory --owner=urbanclear --group=urbanclear \
        /var/lib/urbanclear /var/lib/urbanclear/data /var/lib/urbanclear/scratch
COPY --from=build /opt/urbanclear /opt/urbanclear
ENV URBANCLEAR_JARS=/opt/urbanclear/jars \
    SPARK_LOCAL_DIRS=/var/lib/urbanclear/scratch \
    XDG_CACHE_HOME=/tmp/cache \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/urbanclear
USER 10001:10001
ENTRYPOINT ["urbanclear"]
