// Ends with 0 if the server of this container answers. For the HEALTHCHECK of the Dockerfile.
const { ok } = await fetch(`http://127.0.0.1:${process.env.PORT ?? 4000}/health`).catch(() => ({ ok: false }));
process.exit(ok ? 0 : 1);
