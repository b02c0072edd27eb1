# One image for every process of the house.
FROM python:3.12-slim
RUN useradd --create-home --uid 10001 pavilion && mkdir -p /var/lib/pavilion/media && chown -R pavilion /var/lib/pavilion
WORKDIR /opt/pavilion
COPY requirements/run.lock requirements/run.lock
RUN pip install --no-cache-dir --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md ./
COPY backend backend
COPY frontend frontend
COPY alembic alembic
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
USER pavilion
ENV PAVILION_DATA_DIR=/var/lib/pavilion PYTHONUTF8=1
ENTRYPOINT ["pavilion"]
