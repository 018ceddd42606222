# One image for web, worker, beat and migrations; docker-compose.yml says which it is.
FROM python:3.11-slim-bookworm AS build

WORKDIR /app
COPY requirements.txt ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.txt
COPY . .
# The build's secrets go with its stage.
ENV FAULTLINE_STATIC_ROOT=/app/staticfiles
RUN FAULTLINE_HOME=/tmp/build /venv/bin/python manage.py collectstatic --no-input --verbosity 0


FROM python:3.11-slim-bookworm

RUN useradd --system --uid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin faultline
RUN install --directory --owner faultline --mode 0700 /evidence /exports /log
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV FAULTLINE_STATIC_ROOT=/app/staticfiles
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER faultline
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 \
  CMD ["python", "-m", "config.run", "is-ready"]
CMD ["python", "-m", "granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "16", "--respawn-failed-workers", "--workers-kill-timeout", "10", "--log-level", "error", "config.wsgi:application"]
