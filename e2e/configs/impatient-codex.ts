import type { Provider } from '@sallyport/core/provider';
import { provider as codex } from '@sallyport/provider-codex';

const { manifest, ...functions } = codex;

/** Codex that waits for a user no longer than a manifest may say at least. */
export const provider: Provider = {
  ...functions,
  manifest: { ...manifest, logins: manifest.logins.map((method) => ({ ...method, timeoutMs: 10_000 })) },
};
