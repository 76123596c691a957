import { z } from 'zod';

import { environmentNameSchema, homePathSchema, idSchema, pointerSchema, settingsSchema } from './bounded.ts';
import { matcherSchema } from './matcher.ts';

const keychainSchema = z.strictObject({
  keychain: z
    .strictObject({
      service: z
        .string()
        .max(100)
        .regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]*$/, 'must start with a letter or digit and use only those, blanks, . _ -')
        .describe('Service of the item, such as `My CLI-credentials`.'),
      account: z
        .string()
        .max(100)
        .regex(
          /^[A-Za-z0-9][A-Za-z0-9 ._@-]*$/,
          'must start with a letter or digit and use only those, blanks, . _ @ -',
        )
        .describe('Account of the item. Left out: the name of the user on their computer.')
        .optional(),
    })
    .describe('A generic password in the Keychain.'),
});

const credentialFileSchema = z.strictObject({
  as: z.literal('file').describe('A file that the CLI writes when the user logs in.'),
  id: idSchema.describe('Names the item in `gives`, in imports and for `inspect`. Unique in the manifest.'),
  role: z
    .enum(['secret', 'settings'])
    .describe(
      'A `secret` is the login. `settings` travel with it: a change to them alone makes no new version, and they may be absent if they require nothing.',
    ),
  format: z
    .enum(['json', 'jsonc', 'text'])
    .describe('`jsonc` is JSON with comments and trailing commas. `text` is checked only for not being blank.'),
  mode: z.literal(0o600).describe('Permission bits of the file: 384 is 0600.').default(0o600),
  rotates: z
    .boolean()
    .describe(
      'Whether the CLI replaces the tokens when it refreshes the login, so that an old copy no longer works. Then one machine at a time holds it.',
    ),
  require: z
    .array(pointerSchema)
    .max(20)
    .describe(
      'JSON pointers to values that must be present and not empty for the file to be complete. `*` as a part stands for every key, as in a map of tokens by account; one value that is not empty is enough then.',
    ),
  write: z
    .enum(['replace', 'merge-json'])
    .describe(
      'How the file is put on a disk. `merge-json` keeps what the CLI added to the file there. In a secret, the top-level keys that `require` leads into are replaced whole.',
    ),
  paths: z
    .strictObject({
      browser: homePathSchema.describe('On the machine that the user logs in on.'),
      cli: homePathSchema.describe('On the machine that runs prompts.'),
      macos: z
        .union([homePathSchema, keychainSchema])
        .describe(
          "On the user's Mac, for `sallyport credentials import`: a path, or an item of the Keychain. Left out: `cli`.",
        )
        .optional(),
      linux: homePathSchema
        .describe("On the user's computer with Linux, for `sallyport credentials import`. Left out: `cli`.")
        .optional(),
    })
    .describe("Where the file is, below the CLI's home. No two items may share `browser` or `cli`."),
});

const credentialEnvironmentSchema = z.strictObject({
  as: z.literal('environment').describe('A key or token that the CLI reads from an environment variable.'),
  id: idSchema.describe(
    'Names the item in `gives` and in imports. With `manualEntry` it is also the id of the login method, with `-` for `_`. Unique in the manifest.',
  ),
  name: environmentNameSchema.describe('The variable, set for each prompt. The value is then on no disk.'),
  from: z
    .union([matcherSchema, z.literal('user')])
    .describe(
      "Where the value comes from: a matcher that takes it from the screen of the login, such as a token that the CLI prints, or `'user'` for the answer to the question with the same id, or to `manualEntry`.",
    ),
  manualEntry: z
    .strictObject({
      title: z.string().min(1).max(80).describe('Title on the page, beside those of the login methods.'),
      label: z.string().min(1).max(200).describe('What the page shows above the field.'),
      shape: matcherSchema.describe('What a valid value matches. Anything else is refused before it is stored.'),
      example: z.string().min(1).max(80).describe('Shown when a value is refused, for instance `sk-ant-api03-…`.'),
      page: z
        .url({ protocol: /^https$/ })
        .describe("The vendor's page where a user gets a value. An https URL.")
        .optional(),
    })
    .describe('Lets the user connect by entering a value that they already have. No CLI runs.')
    .optional(),
  settings: settingsSchema
    .describe(
      'Settings files to write while this is the credential, in place of those of `cli.settings` with the same path. If one contains `{{value}}`, the value goes there instead of into the variable.',
    )
    .optional(),
});

/** Stands in the settings of an item for its value. */
export const valuePlace = '{{value}}';

export const credentialItemSchema = z.discriminatedUnion('as', [credentialFileSchema, credentialEnvironmentSchema]);

export type CredentialItem = z.infer<typeof credentialItemSchema>;
export type CredentialEnvironmentItem = z.infer<typeof credentialEnvironmentSchema>;
export type CredentialFileItem = z.infer<typeof credentialFileSchema>;
