# The front door. Build it from the repository's root: docker build -f infra/front_door.Dockerfile .
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

WORKDIR /opt/program
COPY requirements.txt ./
COPY requirements/engine.txt requirements/front-door.txt requirements/constraints.txt requirements/
RUN pip install --no-cache-dir --only-binary=:all: -c requirements/constraints.txt -r requirements/front-door.txt

COPY app.py ./
COPY chalicelib chalicelib
COPY infra/__init__.py infra/front_door.py infra/http_server.py infra/lambda_backend.py infra/proxy_event.py infra/

RUN useradd --system --no-create-home attune
USER attune
EXPOSE 8080
ENTRYPOINT ["python", "-m", "infra.front_door"]
