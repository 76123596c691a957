import { z } from 'zod';

import { environmentNameSchema, homePathSchema, idSchema, pointerSchema, settingsSchema } from './bounded.ts';
import { matcherSchema } from './matcher.ts';

const credentialFileSchema = z.strictObject({
  as: z.literal('file'),
  id: idSchema,
  role: z.enum(['secret', 'settings']),
  /** `jsonc`: JSON in which a user or the CLI may have put comments, and commas after the last member. */
  format: z.enum(['json', 'jsonc', 'text']),
  /** Octal permission bits. */
  mode: z.literal(0o600).default(0o600),
  rotates: z.boolean(),
  /**
   * JSON pointers that must be present and not empty: the agent can tell "complete". `*` as a part stands for every key,
   * as in a map of tokens by account; one value that is not empty is enough then.
   */
  require: z.array(pointerSchema).max(20),
  /**
   * `merge-json` keeps what the CLI has added to the file on the disk. In a secret, the top-level keys that `require`
   * leads into are replaced whole.
   */
  write: z.enum(['replace', 'merge-json']),
  paths: z.strictObject({ browser: homePathSchema, cli: homePathSchema }),
});

const credentialEnvironmentSchema = z.strictObject({
  as: z.literal('environment'),
  id: idSchema,
  name: environmentNameSchema,
  from: z.union([matcherSchema, z.literal('user')]),
  /** Makes it a way to connect of its own: the user hands over a value they have already, and no CLI runs. */
  manualEntry: z
    .strictObject({
      /** As a login method's title. */
      title: z.string().min(1).max(80),
      /** What the page shows above the field. */
      label: z.string().min(1).max(200),
      /** What a right value matches; anything else is refused before it is stored. */
      shape: matcherSchema,
      /** Shown where a value is refused, for instance `sk-ant-api03-…`. */
      example: z.string().min(1).max(80),
      /** The vendor's page where a user gets one. */
      page: z.url({ protocol: /^https$/ }).optional(),
    })
    .optional(),
  /**
   * Written before the CLI starts while this is the credential, in place of those of `cli.settings` with the same path.
   * Where one has `{{value}}` in it, the value goes there and into no variable.
   */
  settings: settingsSchema.optional(),
});

/** Stands in the settings of an item for its value. */
export const valuePlace = '{{value}}';

export const credentialItemSchema = z.discriminatedUnion('as', [credentialFileSchema, credentialEnvironmentSchema]);

export type CredentialItem = z.infer<typeof credentialItemSchema>;
export type CredentialEnvironmentItem = z.infer<typeof credentialEnvironmentSchema>;
export type CredentialFileItem = z.infer<typeof credentialFileSchema>;
