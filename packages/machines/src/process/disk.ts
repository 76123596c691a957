import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import type { Stats } from 'node:fs';
import { lstat, open, rename, rm, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { decodeCredentialText, findFileProblem, homePathSchema, MAX_CREDENTIAL_BYTES } from '@sallyport/core/driver';
import type { MachineDisk, PlacedFile } from '@sallyport/core/driver';

import { asideName } from '../host/aside-name.ts';
import { absentIsUndefined, unsafe } from '../host/safe-directory.ts';
import type { Owner, SafeDirectory } from '../host/safe-directory.ts';

export interface HomeDisk {
  /** Opens the provider home that contains these paths. */
  readonly openHome: (provider: string, paths: readonly string[]) => Promise<SafeDirectory>;
  readonly owner: Owner;
  /** Deletes a provider's home. */
  readonly eraseHome: (provider: string) => Promise<void>;
  /** Runs the work while the machine is stopped and prevents a start meanwhile; throws MACHINE_BUSY if it runs. */
  readonly whileStopped: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Exposes a host directory as a machine's disk. Its contents are untrusted: the machine's user may have planted them. */
export function createHomeDisk({ openHome, owner, whileStopped, eraseHome }: HomeDisk): MachineDisk {
  /** Checks all paths before it touches any file. */
  async function inHome<T>(
    provider: string,
    paths: readonly string[],
    work: (home: SafeDirectory) => Promise<T>,
  ): Promise<T> {
    const bad = paths.find((path) => !homePathSchema.safeParse(path).success);
    if (bad !== undefined) {
      throw unsafe(bad, 'is not a path that credentials may have');
    }
    return whileStopped(async () => {
      await using home = await openHome(provider, paths);
      return await work(home);
    });
  }

  return {
    eraseHome: (provider) => whileStopped(() => eraseHome(provider)),
    harvest: (provider, paths) =>
      inHome(provider, paths, async (home) => {
        const found: PlacedFile[] = [];
        for (const path of paths) {
          const file = await inDirectoryOf(home, path, {}, (folder, name) => readPlaced(folder, name, path));
          if (file) {
            found.push(file);
          }
        }
        return found;
      }),
    inject: (provider, files) =>
      inHome(
        provider,
        files.map(({ path }) => path),
        async (home) => {
          for (const file of files) {
            await inDirectoryOf(home, file.path, { make: { owner } }, (folder, name) =>
              writePlaced(folder, name, file, owner),
            );
          }
        },
      ),
    remove: (provider, paths) =>
      inHome(provider, paths, async (home) => {
        for (const path of paths) {
          await inDirectoryOf(home, path, { removesObstacles: true }, (folder, name) => removePlaced(folder, name));
        }
      }),
  };
}

interface Walk {
  /** Creates missing directories, for this owner. */
  readonly make?: { readonly owner: Owner };
  /** Removes what stands where a directory should be, such as a link. Nothing behind it is touched. */
  readonly removesObstacles?: boolean;
}

/** Returns whether something other than a directory was there. */
async function removeObstacle(folder: SafeDirectory, name: string): Promise<boolean> {
  const facts = await lstat(folder.path(name)).catch(absentIsUndefined);
  if (!facts || facts.isDirectory()) {
    return false;
  }
  await unlink(folder.path(name));
  return true;
}

/** Walks from the home to the file's directory, one name at a time. Returns `undefined` if a directory is missing. */
async function inDirectoryOf<T>(
  home: SafeDirectory,
  path: string,
  { make, removesObstacles = false }: Walk,
  work: (folder: SafeDirectory, name: string) => Promise<T>,
): Promise<T | undefined> {
  const names = path.split('/').slice(1);
  const name = names.pop() ?? '';
  const opened: SafeDirectory[] = [];
  try {
    let folder = home;
    for (const next of names) {
      if (removesObstacles && (await removeObstacle(folder, next))) {
        return undefined;
      }
      const inner = await folder.enter(next, make);
      if (!inner) {
        return undefined;
      }
      opened.push(inner);
      folder = inner;
    }
    return await work(folder, name);
  } finally {
    await Promise.all(opened.map((folder) => folder[Symbol.asyncDispose]()));
  }
}

async function readPlaced(folder: SafeDirectory, name: string, path: string): Promise<PlacedFile | undefined> {
  const facts = await lstat(folder.path(name)).catch(absentIsUndefined);
  if (!facts) {
    return undefined;
  }
  // Check before opening: opening a FIFO blocks, and opening a device can have side effects.
  requireReadable(facts, path);
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  await using handle = await open(folder.path(name), flags).catch((cause: unknown) => {
    throw unsafe(path, 'cannot be opened', cause);
  });
  return { path, ...(await readOrdinary(handle, path)) };
}

async function readOrdinary(handle: FileHandle, path: string): Promise<{ content: string; mode: number }> {
  const facts = await handle.stat();
  requireReadable(facts, path);
  const { buffer, bytesRead } = await handle.read(
    Buffer.alloc(MAX_CREDENTIAL_BYTES + 1),
    0,
    MAX_CREDENTIAL_BYTES + 1,
    0,
  );
  if (bytesRead !== facts.size) {
    throw unsafe(path, 'changed while it was read');
  }
  const content = decodeCredentialText(buffer.subarray(0, bytesRead));
  if (content === undefined) {
    throw unsafe(path, 'is not UTF-8 text');
  }
  return { content, mode: facts.mode & 0o777 };
}

function requireReadable(facts: Stats, path: string): void {
  const kind = facts.isFile() ? 'file' : facts.isSymbolicLink() ? 'link' : 'other';
  const problem = findFileProblem({ kind, links: facts.nlink, size: facts.size });
  if (problem !== undefined) {
    throw unsafe(path, problem);
  }
}

async function writePlaced(folder: SafeDirectory, name: string, file: PlacedFile, owner: Owner): Promise<void> {
  if (Buffer.byteLength(file.content) > MAX_CREDENTIAL_BYTES) {
    throw unsafe(file.path, `would be larger than ${MAX_CREDENTIAL_BYTES} bytes`);
  }
  const temporary = folder.path(`.sallyport-${randomBytes(8).toString('hex')}`);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  try {
    await using handle = await open(temporary, flags, 0o600);
    await handle.writeFile(file.content);
    if (owner !== undefined) {
      await handle.chown(owner, owner);
    }
    await handle.chmod(file.mode & 0o777);
    await handle.sync();
    // A link at the target is replaced, not followed.
    await rename(temporary, folder.path(name));
  } catch (cause) {
    await rm(temporary, { force: true });
    throw unsafe(file.path, 'could not be replaced', cause);
  }
  const back = await readPlaced(folder, name, file.path);
  if (back?.content !== decodeCredentialText(Buffer.from(file.content))) {
    throw unsafe(file.path, 'does not read back as it was written');
  }
}

/** A directory is moved aside: it is not a credential, and what is in it may be wanted. */
async function removePlaced(folder: SafeDirectory, name: string): Promise<void> {
  const facts = await lstat(folder.path(name)).catch(absentIsUndefined);
  if (facts?.isDirectory()) {
    await rename(folder.path(name), folder.path(asideName(name)));
  } else if (facts) {
    await unlink(folder.path(name));
  }
}
