# The bridge as an image: docker build -t aibridge .
# Its pinned packages only, each by its hash; no compiler, no pip, no root in what runs.
# Pin the base by its digest for builds that repeat: --build-arg BASE=python:3.12-slim-bookworm@sha256:…
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS build
WORKDIR /source
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/base.txt requirements/build.txt requirements/
RUN python -m venv --without-pip /opt/aibridge
RUN pip --python /opt/aibridge/bin/python install --require-hashes --only-binary=:all: --requirement requirements/base.txt
RUN pip install --require-hashes --only-binary=:all: --requirement requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-index --no-deps --no-build-isolation --wheel-dir wheels .
RUN pip --python /opt/aibridge/bin/python install --no-index --no-deps wheels/*.whl

FROM ${BASE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="AI Bridge" \
      org.opencontainers.image.description="A self-hosted gateway between coding agents and model providers that keeps every call on record" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 aibridge \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/aibridge --shell /usr/sbin/nologin aibridge \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/aibridge
COPY --from=build /opt/aibridge /opt/aibridge
COPY deploy/healthcheck.py /opt/aibridge/healthcheck.py
ENV PATH=/opt/aibridge/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AIBRIDGE_HOST=0.0.0.0 \
    AIBRIDGE_PORT=4000 \
    AIBRIDGE_DATA_DIR=/var/lib/aibridge
# aibridge.toml of the working directory is read: mount it here, where the bridge cannot write it.
WORKDIR /etc/aibridge
USER 10001:10001
VOLUME /var/lib/aibridge
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "/opt/aibridge/healthcheck.py"]
ENTRYPOINT ["aibridge"]
CMD ["serve"]
