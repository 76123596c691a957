import { MAX_CREDENTIAL_BYTES } from '../protocol/agent-api.ts';

/**
 * What counts as a credential file, and how its bytes become text. The agent reads it in a running machine, and a
 * driver on the disk of a stopped one: both decide here, so that none accepts what the other refuses.
 */

/** What lies at a credential's path. */
export interface FileShape {
  readonly kind: 'file' | 'link' | 'other';
  /** Number of names that the file has. */
  readonly links: number;
  readonly size: number;
}

/** Why a file is not read, as the end of a sentence about it; `undefined` if it may be read. */
export function findFileProblem({ kind, links, size }: FileShape): string | undefined {
  if (kind === 'link') return 'is a symbolic link';
  if (kind !== 'file') return 'is not an ordinary file';
  // A second name may be that of another user's file.
  if (links !== 1) return 'has more than one name';
  return size > MAX_CREDENTIAL_BYTES ? `is larger than ${MAX_CREDENTIAL_BYTES / 1024} KiB` : undefined;
}

/** Leaves out a byte order mark, which editors write and JSON forbids. Returns `undefined` for anything but UTF-8. */
export function decodeCredentialText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The same for text that did not come from a file, such as an import. */
export function withoutByteOrderMark(text: string): string {
  return text.replace(/^\u{feff}/u, '');
}
