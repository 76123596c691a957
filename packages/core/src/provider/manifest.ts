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
  .regex(
    /^node_modules\/[A-Za-z0-9@._/-]+$/,
    'must be a path below node_modules/, of letters, digits, @ . _ - and slashes',
  )
  .refine((path) => !path.split('/').includes('..'), 'must not contain .. as a part');

/**
 * The data half of a provider. JSON-serialisable, hashed, versioned; the server sends the parts it needs
 * to the agent, so that adding a provider changes neither. Everything here may come from an author nobody
 * trusts: hosts, paths and patterns are bounded by the schema.
 */
const manifestShape = z.strictObject({
  spec: z.literal(1).describe('Version of the manifest format.'),
  id: idSchema.describe(
    'How the API, the configuration and the command line name the provider. Unique in a deployment.',
  ),
  aliases: z
    .array(idSchema)
    .max(10)
    .describe('Other names accepted in place of `id`. Unique in a deployment too.')
    .default([]),
  title: z.string().min(1).max(60).describe('What users see.'),
  terms: z
    .strictObject({
      url: z.url({ protocol: /^https$/ }).describe("The vendor's terms. An https URL."),
      reviewed: z.iso
        .date()
        .nullable()
        .describe('The day on which someone last read them for this purpose, or null if no one has.'),
      deployments: z
        .array(z.enum(['self-hosted', 'internal', 'hosted']))
        .describe(
          'The kinds of deployment that they allow: for the operator alone, for their own organization, for customers. In any other the provider is off until the operator names it in `acceptedTerms`.',
        ),
      consent: z
        .string()
        .min(1)
        .max(600)
        .describe(
          'What a user has to know about this provider in particular. Follows what every user is told before connecting.',
        )
        .optional(),
    })
    .describe("The vendor's terms, and where they allow the provider to run."),
  cli: z
    .strictObject({
      package: z
        .string()
        .regex(/^(@[a-z0-9-]+\/)?[a-z0-9._-]+$/)
        .describe('npm package of the unmodified CLI.'),
      version: z
        .string()
        .max(100)
        .regex(EXACT_VERSION, 'must be an exact version such as 1.2.3 or 1.2.3-beta.1')
        .describe('Its exact version.'),
      lockfile: lockfileSchema.describe(
        'Text of a `package-lock.json` (version 3) that pins the CLI and its dependencies by sha512 hash. Installed with `npm ci --ignore-scripts`.',
      ),
      bin: z
        .record(
          z.string().regex(/^(linux|darwin)-(x64|arm64)$/),
          z.union([programSchema, z.array(programSchema).min(1).max(5)]),
        )
        .describe(
          'Path of the executable for each platform, such as `{ "linux-x64": "node_modules/my-cli/bin/my-cli" }`. A list if releases differ: the first path that exists is run. A `.js` file is run with Node.',
        ),
      loginCommand: z
        .string()
        .max(100)
        .regex(/^[a-z0-9][A-Za-z0-9 ._-]*$/, 'must start with a letter or digit and use only those, blanks, . _ -')
        .describe(
          'What a user types on their own computer to log in, such as `my-cli login`. Shown by `sallyport credentials import` and never run.',
        )
        .optional(),
      env: z
        .record(environmentNameSchema, z.string().max(500))
        .describe('Environment variables for every run of the CLI, for instance to turn its updater off.')
        .default({}),
      settings: settingsSchema.describe('Settings files to write before every run of the CLI.').default([]),
      hiddenInWork: hiddenInWorkSchema
        .describe(
          'Files and directories of a project that would start programs or redirect the CLI, and that the CLI cannot be told to ignore. It sees an empty one instead. Needs bubblewrap on the machine.',
        )
        .default([]),
    })
    .describe('The CLI: what to install and how to start it.'),
  commands: z
    .strictObject({
      status: commandSchema
        .describe('Says whether the CLI is logged in. Used by `sallyport providers verify`.')
        .optional(),
      refresh: refreshCommandSchema
        .describe(
          'Refreshes the login before it expires, without a call to a model. Has 20 s. Left out: the next prompt refreshes it.',
        )
        .optional(),
      logout: logoutCommandSchema
        .describe(
          'Asks the vendor to revoke the tokens before a credential is erased. Has 30 s. Leave it out if the command only deletes a file.',
        )
        .optional(),
    })
    .describe('Commands of the CLI besides logins and prompts. Each may be left out.'),
  needs: z
    .strictObject({
      memoryMb: z
        .number()
        .int()
        .min(64)
        .max(16_384)
        .describe(
          'Memory of a machine that runs the CLI, in MiB. A machine for prompts has at least 384, and one for several CLIs what the largest needs.',
        ),
    })
    .describe('What a machine needs to run the CLI.'),
  logins: z
    .array(loginMethodSchema)
    .max(10)
    .refine((logins) => isUnique(logins.map((login) => login.id)), 'has two methods with the same id')
    .describe(
      'The ways to log in, most convenient first. Empty: a user can only enter a key or token, so one of the credentials needs a `manualEntry`.',
    ),
  credentials: z
    .array(credentialItemSchema)
    .min(1)
    .max(10)
    .refine((items) => isUnique(items.map((item) => item.id)), 'has two items with the same id')
    .describe('What a login yields: the files and values that are stored, encrypted, and put back before a prompt.'),
  prompt: headlessPromptSchema.describe('How the CLI answers one prompt without a user.'),
  egress: z
    .strictObject({
      cli: z.array(hostSchema).max(50).describe('Hosts that the CLI connects to, during prompts and logins.'),
      signIn: z
        .array(hostSchema)
        .max(50)
        .describe('Hosts that the sign-in page loads from, reachable during logins only.'),
    })
    .describe(
      'Hosts that machines may reach, on port 443. An operator may add others; private addresses are never reachable.',
    ),
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
