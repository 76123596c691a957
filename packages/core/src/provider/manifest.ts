import { z } from 'zod';

import {
  environmentNameSchema,
  hiddenInWorkSchema,
  hostSchema,
  idSchema,
  isUnique,
  settingsSchema,
} from './bounded.ts';
import { credentialItemSchema } from './credential-item.ts';
import type { CredentialEnvironmentItem } from './credential-item.ts';
import { headlessPromptSchema } from './headless-prompt.ts';
import { EXACT_VERSION } from './lockfile-words.ts';
import { lockfileSchema } from './lockfile.ts';
import { loginMethodSchema } from './login-method.ts';
import { problemOfPatterns } from './matcher.ts';
import { overlappingPaths } from './overlapping-paths.ts';
import { commandSchema, logoutCommandSchema, refreshCommandSchema } from './refresh-command.ts';

const programSchema = z
  .string()
  .regex(/^node_modules\/[A-Za-z0-9@._/-]+$/)
  .refine((path) => !path.split('/').includes('..'));

/**
 * The data half of a provider. JSON-serialisable, hashed, versioned; the server sends the parts it needs
 * to the agent, so that adding a provider changes neither. Everything here may come from an author nobody
 * trusts: hosts, paths and patterns are bounded by the schema.
 */
const manifestShape = z.strictObject({
  spec: z.literal(1),
  id: idSchema,
  aliases: z.array(idSchema).max(10).default([]),
  title: z.string().min(1).max(60),
  terms: z.strictObject({
    url: z.url({ protocol: /^https$/ }),
    /** The day a user last read them for this purpose; `null` where nobody has. */
    reviewed: z.iso.date().nullable(),
    /** The kinds of deployment they allow. In any other the provider is off until the operator turns it on. */
    deployments: z.array(z.enum(['self-hosted', 'internal', 'hosted'])),
    /** Something the user has to know about this provider in particular, added to what everybody is told. */
    consent: z.string().min(1).max(600).optional(),
  }),
  cli: z.strictObject({
    /** npm package of the unmodified CLI, and the exact version. */
    package: z.string().regex(/^(@[a-z0-9-]+\/)?[a-z0-9._-]+$/),
    version: z.string().max(100).regex(EXACT_VERSION, 'must be an exact version such as 1.2.3 or 1.2.3-beta.1'),
    /**
     * A package-lock.json (version 3) as text: exact versions, each with its sha512 hash; see `readLockfile`. Installed
     * with `npm ci --ignore-scripts`.
     */
    lockfile: lockfileSchema,
    /**
     * Executable for each `os-arch` (as Node names them), below the installation directory. A list where releases differ
     * in where they put it, at most 5 long: the first that exists is run.
     */
    bin: z.record(
      z.string().regex(/^(linux|darwin)-(x64|arm64)$/),
      z.union([programSchema, z.array(programSchema).min(1).max(5)]),
    ),
    env: z.record(environmentNameSchema, z.string().max(500)).default({}),
    /** Settings written before the CLI starts, for instance to turn its updater off. */
    settings: settingsSchema.default([]),
    /** Configuration of a repository that the CLI would act on and cannot be told to ignore. Needs bubblewrap. */
    hiddenInWork: hiddenInWorkSchema.default([]),
  }),
  commands: z.strictObject({
    status: commandSchema.optional(),
    /** Keeps a login alive, without a call to a model. */
    refresh: refreshCommandSchema.optional(),
    /** Revokes the tokens at the vendor before a credential is erased. */
    logout: logoutCommandSchema.optional(),
  }),
  needs: z.strictObject({ memoryMb: z.number().int().min(64).max(16_384) }),
  /** The method selection, most comfortable first. Empty: only keys and tokens are taken, by `manualEntry`. */
  logins: z
    .array(loginMethodSchema)
    .max(10)
    .refine((logins) => isUnique(logins.map((login) => login.id)), 'has two methods with the same id'),
  credentials: z
    .array(credentialItemSchema)
    .min(1)
    .max(10)
    .refine((items) => isUnique(items.map((item) => item.id)), 'has two items with the same id'),
  prompt: headlessPromptSchema,
  /** Hosts the CLI and the sign-in page need. The operator may add; private ranges never open. */
  egress: z.strictObject({ cli: z.array(hostSchema).max(50), signIn: z.array(hostSchema).max(50) }),
});

/** What the parts of a manifest say about each other. */
export const manifestSchema = manifestShape.superRefine((manifest, context) => {
  const { credentials, logins } = manifest;
  const problem = (path: (string | number)[], message: string): void =>
    context.addIssue({ code: 'custom', path, message });
  const patterns = problemOfPatterns(manifest);
  if (patterns !== undefined) problem([], patterns);
  for (const { path, message } of overlappingPaths(manifest)) problem(path, message);
  const entries = credentials.filter((item) => item.as === 'environment' && item.manualEntry !== undefined);
  if (logins.length + entries.length === 0)
    problem(['logins'], 'is empty, and no credential has a manualEntry: nobody could connect. Add one of the two');
  const items = credentials.map(({ id }) => id);
  for (const [index, { gives = [] }] of logins.entries()) {
    const unknown = gives.filter((id) => !items.includes(id));
    if (unknown.length > 0) problem(['logins', index, 'gives'], `names no credential item: ${unknown.join(', ')}`);
  }
  for (const [index, item] of credentials.entries()) {
    if (item.as !== 'environment' || !item.manualEntry) continue;
    const taken = logins.some((login) => login.id === manualEntryId(item));
    if (taken) problem(['credentials', index, 'id'], 'is also the id of a login method');
  }
});

/** The name by which a user asks to hand over a value: as a login method's, with dashes. */
export function manualEntryId({ id }: Pick<CredentialEnvironmentItem, 'id'>): string {
  return id.replaceAll('_', '-');
}

export type ProviderManifest = z.infer<typeof manifestSchema>;
/** What an author writes: defaults may be left out. */
export type ProviderManifestInput = z.input<typeof manifestSchema>;
