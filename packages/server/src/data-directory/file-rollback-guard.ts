import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { GuardRecord, RollbackGuard } from '@sallyport/core/key-ring';
import { z } from 'zod';

import { hasCode } from '../host/node-error.ts';

/**
 * Remembers the newest version of each credential in one small file each, in the data directory and so outside the
 * database: a database that is restored from a backup does not take it back in time.
 */
export async function openFileRollbackGuard(directory: string): Promise<RollbackGuard> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const fileOf = (userId: string, provider: string): string =>
    join(
      directory,
      `${createHash('sha256')
        .update(JSON.stringify([userId, provider]))
        .digest('hex')}.json`,
    );

  return {
    recall: async (userId, provider) => {
      const path = fileOf(userId, provider);
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return undefined;
        throw error;
      }
      const guardRecord = guardRecordSchema.safeParse(tryParse(text));
      if (guardRecord.success) return guardRecord.data;
      throw new SallyportError('CONFIG_INVALID', `The file ${path} is damaged.`, {
        hint: 'Remove it, and let the user whose login it is about log in again.',
      });
    },
    note: async (userId, provider, guardRecord) => {
      const path = fileOf(userId, provider);
      const unfinished = `${path}.${randomUUID()}`;
      const file = await open(unfinished, 'wx', 0o600);
      try {
        await file.writeFile(JSON.stringify({ userId, provider, ...guardRecord }));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(unfinished, path);
    },
  };
}

const factsSchema = z.object({
  account: z.string().exactOptional(),
  kind: z.enum(['plan', 'api-key']),
  issuedAt: z.number().exactOptional(),
  accessExpiresAt: z.number().exactOptional(),
  loginExpiresAt: z.number().exactOptional(),
  blank: z.boolean(),
  lineage: z.string().exactOptional(),
  rotates: z.literal(false).exactOptional(),
});

const guardRecordSchema: z.ZodType<GuardRecord> = z.object({
  version: z.number().int(),
  sha256: z.string().nullable(),
  facts: factsSchema.nullable(),
  machineId: z.string().nullable(),
  diskNonce: z.string().exactOptional(),
  ended: z.enum(['refused', 'lost', 'rolled-back']).exactOptional(),
  next: z.object({ version: z.number().int(), sha256: z.string() }).exactOptional(),
});

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
