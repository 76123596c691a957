import { access, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { resolveHomePath } from '../credentials/credential-file.ts';
import type { CredentialPlace } from '../credentials/credential-reading.ts';

/** The home a login runs in. */
export interface LoginHome {
  readonly home: string;
  remove(): Promise<void>;
}

/**
 * The CLI's own home, or a new one where the login command would destroy the credential it finds there
 * (`codex login` revokes it before anybody has signed in).
 */
export async function openLoginHome(options: {
  readonly place: CredentialPlace;
  readonly runtime: string;
  readonly sessionId: string;
  readonly freshHome: boolean;
}): Promise<LoginHome> {
  const { place, runtime, sessionId, freshHome } = options;
  if (!freshHome || !(await holdsCredential(place))) return { home: place.home, remove: async () => {} };
  const home = join(runtime, `login-${sessionId}`);
  await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true, mode: 0o700 });
  return { home, remove: () => rm(home, { recursive: true, force: true, maxRetries: 3 }) };
}

async function holdsCredential({ home, role, items }: CredentialPlace): Promise<boolean> {
  const paths = items.flatMap((item) => (item.as === 'file' && item.role === 'secret' ? [item.paths[role]] : []));
  const found = paths.map((path) =>
    access(resolveHomePath(home, path)).then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(found)).includes(true);
}
