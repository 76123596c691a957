import { credentialPaths } from '../credentials/place.ts';
import type { ExecuteRequest } from '../protocol/agent-api.ts';
import type { ProviderManifest } from '../provider/manifest.ts';
import { buildArgv } from './argv.ts';
import type { ArgvValues } from './argv.ts';

/** A process may wait for the next prompt as long as nothing that it read when it started has changed. */
export function residentRun(manifest: ProviderManifest): Pick<ExecuteRequest, 'resident'> {
  const { prompt } = manifest;
  if (prompt.drive !== 'json-rpc' || !prompt.resident) return {};
  return { resident: { ...prompt.resident, startFiles: startFilesOf(manifest) } };
}

/** What a CLI is told that takes the prompt as a line of JSON. */
export function messageRun(manifest: ProviderManifest, values: ArgvValues): Pick<ExecuteRequest, 'messages'> {
  const { prompt } = manifest;
  if (prompt.drive !== 'json-lines') return {};
  const { message, over, resident } = prompt;
  const { session } = values;
  return {
    messages: {
      message,
      over,
      ...(resident && {
        resident: {
          ...resident,
          startFiles: startFilesOf(manifest),
          argv: buildArgv(prompt, { ...values, session: undefined }),
          ...(session !== undefined && { session }),
        },
      }),
    },
  };
}

/**
 * What it reads when it starts, and does not write itself: a CLI may keep counters in a file of settings that is merged.
 * What is put into that file is part of the request.
 */
function startFilesOf({ credentials, cli }: ProviderManifest): string[] {
  const kept = credentials.filter((item) => item.as !== 'file' || item.role === 'secret' || item.write === 'replace');
  const settings = cli.settings.filter(({ write = 'replace' }) => write === 'replace');
  return [...new Set([...credentialPaths(kept, 'cli'), ...settings.map(({ path }) => path)])];
}
