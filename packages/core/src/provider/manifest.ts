import { z } from 'zod';

import { matcherSchema } from './matcher.ts';

/**
 * The data half of a provider. JSON-serialisable, hashed, versioned; the server sends the parts it needs
 * to the agent, so that adding a provider changes neither. Everything here may come from an author nobody
 * trusts: hosts, paths and patterns are bounded by the schema.
 */

const idSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_]{1,31}$/, 'must be lower-case letters, digits and _, starting with a letter, 2 to 32 long');

/** A host name in lower-case punycode, optionally `*.` in front. Never an address. */
const hostSchema = z
  .string()
  .max(253)
  .regex(
    /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/,
    'must be a host name in lower case, not an address, with at least one dot',
  );

/**
 * A path below the machine's home, written `~/…`. The character set keeps it harmless in a debugfs script
 * and in a shell; `..`, absolute paths and files that a shell or the dynamic loader runs are refused.
 */
export const homePathSchema = z
  .string()
  .max(200)
  .regex(
    /^~\/[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/,
    'must start with ~/ and use only letters, digits, . _ - and single slashes',
  )
  .refine(
    (path) => !path.split('/').some((part) => part === '..' || part === '.'),
    'must not contain . or .. as a part',
  )
  .refine((path) => !forbiddenHomePaths.test(path), 'names a file that a shell, ssh or the desktop runs by itself');

const forbiddenHomePaths =
  /^~\/(\.(bash|zsh|k?sh)[A-Za-z0-9._-]*|\.profile|\.login|\.logout|\.inputrc|\.env|\.pam_environment|\.xinitrc|\.xsession[A-Za-z0-9._-]*|\.xprofile|\.ssh(\/.*)?|\.gnupg(\/.*)?|\.config\/(autostart|systemd|environment\.d)(\/.*)?|\.local\/bin(\/.*)?|bin(\/.*)?|work(\/.*)?)$/;

/** Names that would let a manifest change how programs are found or loaded. */
const environmentNameSchema = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'must be upper-case letters, digits and _')
  .refine(
    (name) =>
      !/^(LD_|DYLD_|NODE_OPTIONS$|PATH$|HOME$|IFS$|ENV$|BASH_ENV$|PYTHON|PERL|.*_PROXY$|SSL_CERT_|BROWSER$)/.test(name),
    'is set by the agent itself or changes how programs are loaded',
  );

const argumentSchema = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^\0]*$/);

const pointerSchema = z.string().regex(/^(\/[^/~]*(~[01][^/~]*)*)+$/, 'must be a JSON pointer (RFC 6901)');

/** A question of the CLI that a person or a plugin may have to answer. */
const declaredPromptSchema = z.strictObject({
  id: idSchema,
  /** What the page shows above the field. */
  label: z.string().min(1).max(200),
  kind: z.enum(['code', 'text', 'choice']),
  /** True keeps the answer out of hooks and logs. */
  secret: z.boolean(),
  /** For `choice`: what is shown and what is typed. */
  choices: z
    .array(z.strictObject({ label: z.string().max(200), send: z.string().max(100) }))
    .max(20)
    .optional(),
});

export type DeclaredPrompt = z.infer<typeof declaredPromptSchema>;

/** One thing to do when the screen shows something. Steps are not ordered; each fires once. */
const expectStepSchema = z.strictObject({
  id: idSchema,
  when: matcherSchema,
  do: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('send'), text: z.string().max(100) }),
    z.strictObject({ kind: z.literal('ask'), prompt: declaredPromptSchema, submit: z.string().max(10).default('\r') }),
  ]),
});

export type ExpectStep = z.infer<typeof expectStepSchema>;

const failureRuleSchema = z.strictObject({
  when: matcherSchema,
  /** One of the LOGIN_ codes of the error table. */
  code: z.enum(['LOGIN_DENIED', 'LOGIN_FAILED', 'LOGIN_PORT_TAKEN', 'LOGIN_CLI_CRASHED', 'LOGIN_CANCELLED']),
  /** One sentence for the person. */
  message: z.string().min(1).max(300),
});

const loginMethodShape = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]{1,31}$/),
  title: z.string().min(1).max(80),
  kind: z.enum(['loopback-callback', 'device-code', 'paste-code', 'api-key', 'import']),
  drive: z.strictObject({
    kind: z.literal('terminal'),
    argv: z.array(argumentSchema).max(40),
    /** Variables for this method only, on top of those of `cli.env`. */
    env: z.record(environmentNameSchema, z.string().max(500)).optional(),
    columns: z.number().int().min(40).max(4000).default(2000),
    rows: z.number().int().min(10).max(200).default(50),
    steps: z.array(expectStepSchema).max(30).default([]),
  }),
  /** Where the sign-in link may come from and what it must look like. */
  url: z
    .strictObject({
      sources: z.array(z.enum(['browser-shim', 'osc8', 'text'])).min(1),
      /** Exact hosts; a wildcard would let any page of a shared domain pass as the sign-in page. */
      hosts: z.array(hostSchema.regex(/^[^*]/, 'must be an exact host, without a wildcard')).min(1).max(10),
      pathPrefixes: z.array(z.string().startsWith('/').max(200)).min(1).max(10),
      /** Query parameters that must be present and not empty. `name=value` pins the value. */
      require: z
        .array(
          z
            .string()
            .regex(/^[A-Za-z0-9_.-]+(=.*)?$/)
            .max(200),
        )
        .max(20)
        .default([]),
      /** Seen on the screen only after the whole link: a link in text counts once this is there too. */
      textAfter: matcherSchema.optional(),
    })
    .optional(),
  /** Device code: the code to type on the page, captured from the screen. */
  userCode: matcherSchema.optional(),
  /** The CLI's own loopback listener, tried in this order (RFC 8252 §7.3). Empty: taken from the link. */
  callback: z
    .strictObject({
      ports: z.array(z.number().int().min(1024).max(65535)).max(4),
      path: z.string().startsWith('/').max(100),
    })
    .optional(),
  /** The command destroys the credential it finds, so it runs in a home without one. */
  freshHome: z.boolean(),
  /** The CLI says it is done. The credential file decides, not this. */
  success: z.array(matcherSchema).min(1).max(10),
  failure: z.array(failureRuleSchema).max(20).default([]),
  timeoutMs: z
    .number()
    .int()
    .min(10_000)
    .max(30 * 60_000),
});

/** What a kind of login cannot do without. */
const loginMethodSchema = loginMethodShape.check(({ value, issues }) => {
  const need = (path: string, present: boolean, message: string): void => {
    if (!present) issues.push({ code: 'custom', input: value, path: [path], message });
  };
  const { kind, drive } = value;
  if (kind === 'loopback-callback') {
    need('url', value.url !== undefined, 'is needed by a loopback-callback login');
    need('callback', value.callback !== undefined, 'is needed by a loopback-callback login');
  }
  if (kind === 'device-code') {
    need('url', value.url !== undefined, 'is needed by a device-code login');
    need('userCode', value.userCode !== undefined, 'is needed by a device-code login');
  }
  const asks = drive.steps.some((step) => step.do.kind === 'ask');
  need('drive', kind !== 'paste-code' || asks, 'needs a step that asks for the code');
  need('drive', isUnique(drive.steps.map((step) => step.id)), 'has two steps with the same id');
});

function isUnique(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}

export type LoginMethod = z.infer<typeof loginMethodSchema>;

const credentialFileSchema = z.strictObject({
  as: z.literal('file'),
  id: idSchema,
  role: z.enum(['secret', 'settings']),
  format: z.enum(['json', 'text']),
  /** Octal permission bits. */
  mode: z.literal(0o600).default(0o600),
  rotates: z.boolean(),
  /** JSON pointers that must be present and not empty: the agent can tell "complete". */
  require: z.array(pointerSchema).max(20),
  write: z.enum(['replace', 'merge-json']),
  paths: z.strictObject({ browser: homePathSchema, cli: homePathSchema }),
});

const credentialEnvironmentSchema = z.strictObject({
  as: z.literal('environment'),
  id: idSchema,
  name: environmentNameSchema,
  from: z.union([matcherSchema, z.literal('person')]),
});

export const credentialItemSchema = z.discriminatedUnion('as', [credentialFileSchema, credentialEnvironmentSchema]);

export type CredentialItem = z.infer<typeof credentialItemSchema>;
export type CredentialFileItem = z.infer<typeof credentialFileSchema>;

/** A place in a command line: for a value that may be absent, or for the flags of the tool policy. */
const slotSchema = z.union([
  z.strictObject({
    slot: z.enum(['model', 'session', 'cwd']),
    /** Put in front of the value, as an argument of its own; both vanish when the value is absent. */
    flag: argumentSchema.optional(),
  }),
  z.strictObject({ slot: z.literal('tools') }),
]);

const argvSchema = z
  .array(z.union([argumentSchema, slotSchema]))
  .min(1)
  .max(60);

export const headlessPromptSchema = z
  .strictObject({
    drive: z.literal('lines'),
    /** Arguments after the executable; see `buildArgv`. */
    argv: argvSchema,
    /** Used instead of `argv` when a conversation goes on. */
    resumeArgv: argvSchema.optional(),
    input: z.literal('stdin'),
    /** Flags for each tool policy, put where `{ slot: 'tools' }` is. */
    tools: z.strictObject({
      'read-only': z.array(argumentSchema).max(20),
      workspace: z.array(argumentSchema).max(20),
      full: z.array(argumentSchema).max(20),
    }),
    /** Any of these in an observation means that the person has to log in again. */
    reloginNeeded: z.array(matcherSchema).max(20),
  })
  .superRefine((prompt, context) => {
    // Without a place, `read-only` would silently run with the CLI's default.
    if (Object.values(prompt.tools).every((flags) => flags.length === 0)) return;
    for (const name of ['argv', 'resumeArgv'] as const) {
      const places = prompt[name]?.filter((part) => typeof part === 'object' && part.slot === 'tools');
      if (places === undefined || places.length === 1) continue;
      context.addIssue({ code: 'custom', path: [name], message: "must contain { slot: 'tools' } exactly once" });
    }
  });

export type HeadlessPrompt = z.infer<typeof headlessPromptSchema>;

const commandSchema = z.strictObject({
  argv: z.array(argumentSchema).min(1).max(20),
  /** What an exit code means; anything else is `unknown`. */
  exits: z.record(z.string().regex(/^\d{1,3}$/), z.enum(['ok', 'not-logged-in', 'failed'])),
});

export const manifestSchema = z.strictObject({
  spec: z.literal(1),
  id: idSchema,
  aliases: z.array(idSchema).max(10).default([]),
  title: z.string().min(1).max(60),
  terms: z.strictObject({
    url: z.url({ protocol: /^https$/ }),
    /** The day a person last read them for this purpose; `null` where nobody has. */
    reviewed: z.iso.date().nullable(),
    /** The kinds of deployment they allow. In any other the provider is off until the operator turns it on. */
    deployments: z.array(z.enum(['self-hosted', 'internal', 'hosted'])),
    /** Something the person has to know about this provider in particular, added to what everybody is told. */
    consent: z.string().min(1).max(600).optional(),
  }),
  cli: z.strictObject({
    /** npm package of the unmodified CLI, and the exact version. */
    package: z.string().regex(/^(@[a-z0-9-]+\/)?[a-z0-9._-]+$/),
    version: z.string().regex(/^\d+\.\d+\.\d+$/, 'must be an exact version such as 1.2.3'),
    /** A package-lock.json (version 3) as text: installed with `npm ci --ignore-scripts`, hashes pinned. */
    lockfile: z.string().max(200_000),
    /** Executable for each `os-arch` (as Node names them), below the installation folder. */
    bin: z.record(
      z.string().regex(/^(linux|darwin)-(x64|arm64)$/),
      z
        .string()
        .regex(/^node_modules\/[A-Za-z0-9@._/-]+$/)
        .refine((path) => !path.split('/').includes('..')),
    ),
    env: z.record(environmentNameSchema, z.string().max(500)).default({}),
    /** Settings written before the CLI starts, for instance to turn its updater off. */
    settings: z
      .array(z.strictObject({ path: homePathSchema, content: z.string().max(10_000) }))
      .max(5)
      .default([]),
  }),
  commands: z.strictObject({
    status: commandSchema.optional(),
    refresh: commandSchema.optional(),
    logout: commandSchema.optional(),
  }),
  needs: z.strictObject({ memoryMb: z.number().int().min(64).max(16_384) }),
  /** The ladder, most comfortable first. */
  logins: z
    .array(loginMethodSchema)
    .min(1)
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

export type ProviderManifest = z.infer<typeof manifestSchema>;
/** What an author writes: defaults may be left out. */
export type ProviderManifestInput = z.input<typeof manifestSchema>;
