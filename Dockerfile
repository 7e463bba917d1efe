# docker build -t bakeoff .    docs/containers.md says how to run it, and how Apptainer takes it over.
FROM python:3.12-slim-bookworm AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE Snakefile config.yaml ./
COPY src src
COPY workflow workflow
COPY profiles profiles
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim-bookworm
# Extras of pyproject.toml, in brackets: --build-arg EXTRAS=[tensorboard,onnx]
ARG EXTRAS=""
COPY --from=wheel /wheels /wheels
# hadolint ignore=DL3013  # the wheel is the version
RUN pip install --no-cache-dir "$(echo /wheels/*.whl)${EXTRAS}"
# Any user may run it, also one whom it does not know: what libraries keep goes to a folder that all may write.
ENV HOME=/tmp PYTHONUNBUFFERED=1
USER 1000
WORKDIR /study
ENTRYPOINT ["bakeoff"]
CMD ["--help"]
