import { SallyportError } from '@sallyport/core';

/** Says of a data directory that could not be made or written to what the file system has against it. */
export function explainFileError(directory: string, cause: unknown): SallyportError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const [problem, fix] = explanations[code] ?? [reason(cause), ANOTHER];
  return new SallyportError('CONFIG_INVALID', `The data directory ${directory} cannot be used: ${problem}.`, {
    hint: fix,
    cause,
    details: { directory },
  });
}

const ANOTHER = 'Set SALLYPORT_DATA_DIR to a directory that you own, on a disk that can be written to.';

/** Errors of the file system, by the code that Node gives them; see errno(3). */
const explanations: Readonly<Record<string, readonly [problem: string, fix: string]>> = {
  EROFS: ['its file system is mounted read-only', ANOTHER],
  ENOSPC: ['its disk is full', 'Free some space there, or set SALLYPORT_DATA_DIR to a directory on another disk.'],
  EDQUOT: ['its disk quota is used up', 'Free some space there, or set SALLYPORT_DATA_DIR to a directory elsewhere.'],
  EACCES: ['this user may not write there', ANOTHER],
  EPERM: ['its file system does not allow it', ANOTHER],
  ENOENT: ['its file system cannot hold directories of ours', ANOTHER],
  EOPNOTSUPP: ['its file system cannot hold unix sockets', ANOTHER],
  ENOTDIR: ['a part of that path is a file, not a directory', ANOTHER],
  ELOOP: ['a symbolic link on that path leads back to itself', ANOTHER],
  ENAMETOOLONG: ['that path is too long', 'Set SALLYPORT_DATA_DIR to a directory with a shorter path.'],
};

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
