import { addAbortSignal, Readable } from 'node:stream';

import { SallyportError } from '@sallyport/core';
import type { AgentDirectory, WorkDirectoryRequest, WorkEntry, WorkFile } from '@sallyport/core/protocol';

type FakeFiles = Readonly<Record<string, string>> | undefined;

const MODIFIED_AT = Date.UTC(2026, 0, 1);

/** As the agent lists what lies in `~/work`. */
export function listFakeFiles(files: FakeFiles, { path, after = '', limit }: WorkDirectoryRequest): AgentDirectory {
  const prefix = path === '' ? '' : `${path}/`;
  const entries = new Map<string, WorkEntry>();
  for (const [file, text] of Object.entries(files ?? {})) {
    if (!file.startsWith(prefix)) continue;
    const [name = '', ...below] = file.slice(prefix.length).split('/');
    const isDirectory = below.length > 0;
    const size = isDirectory ? 0 : Buffer.byteLength(text);
    entries.set(name, { name, type: isDirectory ? 'directory' : 'file', size, modifiedAt: MODIFIED_AT });
  }
  if (entries.size === 0 && path !== '') throw unknown(path);
  const behind = [...entries.values()]
    .filter(({ name }) => name > after)
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return { entries: behind.slice(0, limit), hasMore: behind.length > limit };
}

export function readFakeFile(files: FakeFiles, path: string, signal: AbortSignal): WorkFile {
  const text = files !== undefined && Object.hasOwn(files, path) ? files[path] : undefined;
  if (text === undefined) throw unknown(path);
  const bytes = Buffer.from(text);
  return { size: bytes.length, body: addAbortSignal(signal, Readable.from(bytes.length === 0 ? [] : [bytes])) };
}

function unknown(path: string): SallyportError {
  return new SallyportError('FILE_UNKNOWN', `There is no ~/work/${path} on this machine.`);
}
