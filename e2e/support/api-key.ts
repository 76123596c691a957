import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { repository } from './server.ts';

/** Makes an API key of the role `service` as an operator does. */
export async function createApiKey(dataDirectory: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['packages/server/dist/main.js', 'api-keys', 'create', 'the backend'],
    { cwd: repository, env: { ...process.env, SALLYPORT_DATA_DIR: dataDirectory } },
  );
  const key = /sallyport_key_\S+/.exec(stdout)?.[0];
  if (key === undefined) throw new Error(`No key was printed: ${stdout}`);
  return key;
}
