import { readFileSync, renameSync, writeFileSync } from 'node:fs';

import { z } from 'zod';

const familySchema = z.object({
  id: z.string(),
  /** The machine whose egress fetched the first tokens. */
  machineId: z.string(),
  /** What the user agreed to; empty where the vendor has one scope for all. */
  scope: z.string().default(''),
  refreshes: z.number(),
  /** Why every token of this family is dead; `null` while it lives. */
  revokedBecause: z.string().nullable(),
  /** Machines that called the model API with its tokens. */
  usedBy: z.array(z.string()),
});

const tokenSchema = z.object({
  kind: z.enum(['access', 'refresh', 'id', 'api-key']),
  family: z.string(),
  issuedAt: z.number(),
  expiresAt: z.number().nullable(),
  /** A refresh token that was used. */
  spent: z.boolean(),
});

const fileSchema = z.object({
  families: z.array(familySchema),
  tokens: z.array(z.tuple([z.string(), tokenSchema])),
});

/** One login and every token that descends from it. */
export type Family = Readonly<z.infer<typeof familySchema>>;
export type TokenRecord = Readonly<z.infer<typeof tokenSchema>>;

export interface LedgerData {
  readonly families: Map<string, Family>;
  /** By SHA-256 of the token. */
  readonly tokens: Map<string, TokenRecord>;
}

export function loadLedger(path: string | undefined): LedgerData {
  const text = path === undefined ? undefined : tryRead(path);
  if (text === undefined) return { families: new Map(), tokens: new Map() };
  const file = fileSchema.parse(JSON.parse(text));
  return { families: new Map(file.families.map((family) => [family.id, family])), tokens: new Map(file.tokens) };
}

/** Synchronous, so that a token is never in use before the ledger knows it, whenever the process is killed. */
export function saveLedger(path: string | undefined, { families, tokens }: LedgerData): void {
  if (path === undefined) return;
  writeFileSync(`${path}.tmp`, JSON.stringify({ families: [...families.values()], tokens: [...tokens] }), {
    mode: 0o600,
  });
  renameSync(`${path}.tmp`, path);
}

function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
