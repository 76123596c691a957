import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { checkImport, credentialEnvironment, expandHome, settingsFor } from '@sallyport/core/engine';
import { type CredentialFiles, type Provider } from '@sallyport/core/provider';

/** A key or token as the CLI finds it: in its environment, or in a settings file until it is disposed of. */
export interface GivenValues extends AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Gives values to a CLI as a server does. Throws `CREDENTIAL_MALFORMED` for those that a server would not store, and
 * for an id that the manifest does not have.
 */
export async function giveValues(home: string, provider: Provider, values: CredentialFiles): Promise<GivenValues> {
  const { manifest } = provider;
  const files = Object.keys(values).length === 0 ? {} : checkImport(provider, checkNames(provider, values));
  const settings = settingsFor([], manifest.credentials, files);
  const before = await Promise.all(
    settings.map(async ({ path }) => {
      const file = expandHome(path, home);
      return { file, text: await readFile(file, 'utf8').catch(() => undefined) };
    }),
  );
  for (const { path, content } of settings) await write(expandHome(path, home), content);
  return {
    environment: credentialEnvironment(manifest.credentials, files),
    async [Symbol.asyncDispose]() {
      for (const { file, text } of before) await (text === undefined ? rm(file, { force: true }) : write(file, text));
    },
  };
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { mode: 0o600 });
}

/** A misspelled id would otherwise run the CLI without its key. */
function checkNames({ manifest }: Provider, values: CredentialFiles): CredentialFiles {
  const ids = manifest.credentials.flatMap((item) => (item.as === 'environment' ? [item.id] : []));
  const unknown = Object.keys(values).find((id) => !ids.includes(id));
  if (unknown === undefined) return values;
  throw new SallyportError('CREDENTIAL_MALFORMED', `The manifest of ${manifest.id} has no value '${unknown}'.`, {
    hint: ids.length > 0 ? `It has: ${ids.join(', ')}.` : "Give one of its `credentials` the form `as: 'environment'`.",
  });
}
