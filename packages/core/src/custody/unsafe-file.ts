import { SallyportError } from '../base/errors.ts';
import type { Machine } from '../contracts/driver.ts';

/**
 * Whether a driver refused one path on a disk, such as a symbolic link, rather than the disk. Only the credential that
 * belongs there is affected.
 */
export function isUnsafeFile(error: unknown): error is SallyportError {
  return (
    SallyportError.isInstance(error) &&
    error.code === 'MACHINE_DISK_UNSAFE' &&
    typeof error.details['path'] === 'string'
  );
}

/** Removes every path that the driver can remove. What stays is not an ordinary file, so it is not a credential. */
export async function removeWhereSafe(machine: Machine, provider: string, paths: readonly string[]): Promise<void> {
  try {
    await machine.disk.remove(provider, paths);
  } catch (error) {
    if (!isUnsafeFile(error)) throw error;
    for (const path of paths) {
      await machine.disk.remove(provider, [path]).catch((refusal: unknown) => {
        if (!isUnsafeFile(refusal)) throw refusal;
      });
    }
  }
}
