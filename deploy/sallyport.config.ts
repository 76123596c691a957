import { defineConfig } from '@sallyport/server';

/** What the container and the systemd unit run. */
export default defineConfig({
  providers: ['@sallyport/provider-codex', '@sallyport/provider-claude', '@sallyport/provider-gemini'],
  // Every caller needs a key or a token: docs/identity.md.
  auth: {},
  // The proxy with the certificate, on this host or on the other side of Docker's bridge.
  trustProxy: ['127.0.0.1', '172.16.0.0/12'],
});
