# The front door. Build it from the repository's root: docker build -f infra/front_door.Dockerfile .
# A tag, so that a build takes what was mended beneath; a release names a digest (docs/internals/dependencies.md).
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE}

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

WORKDIR /opt/program
COPY requirements/locked/engine.txt requirements/locked/front-door.txt requirements/locked/
COPY infra/__init__.py infra/layer_libraries.py infra/encoders.py infra/
# `--build-arg VIDEO_ENCODERS=none` leaves out x264 and x265, which are under the GPL (THIRD-PARTY.md).
ARG VIDEO_ENCODERS=
RUN pip install --no-cache-dir --only-binary=:all: --require-hashes --no-deps -r requirements/locked/front-door.txt \
    && if [ "$VIDEO_ENCODERS" = none ]; then \
        apt-get update && apt-get install --yes --no-install-recommends binutils && python -m infra.encoders \
        && apt-get purge --yes --auto-remove binutils && rm -rf /var/lib/apt/lists/*; \
    fi

COPY app.py ./
COPY chalicelib chalicelib
COPY infra/front_door.py infra/
COPY infra/serving/__init__.py infra/serving/http_server.py infra/serving/lambda_backend.py infra/serving/proxy_event.py infra/serving/

RUN useradd --system --no-create-home attune
USER attune
EXPOSE 8080
ENTRYPOINT ["python", "-m", "infra.front_door"]
