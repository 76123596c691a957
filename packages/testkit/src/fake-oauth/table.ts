import { SallyportError } from '@sallyport/core';
import { z } from 'zod';

/** A vendor's identity provider and model API, as data, which saves the author of a provider from programming a fake. */

const hostSchema = z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a host name in lower case');
const pathSchema = z.string().regex(/^\/[A-Za-z0-9._~/:-]*$/, 'must be an absolute path without a query');

const placeSchema = z.strictObject({ host: hostSchema, path: pathSchema });

/** An application the vendor knows (RFC 6749 §2). */
const clientSchema = z.strictObject({
  id: z.string().min(1),
  /** Asked for at the token endpoint, in the body or as HTTP Basic. Absent: a public client, which must send none. */
  secret: z.string().min(1).optional(),
  /** Compared as they are; one on a loopback address may come with any port (RFC 8252 §7.3). */
  redirectUris: z.array(z.url()).default([]),
  /** What it may ask for. */
  scopes: z.array(z.string().min(1)).default([]),
});

const modelSchema = z.strictObject({
  kind: z.literal('chat-completions'),
  /** The tool by which the CLI lets a model run a shell command. Absent: the model only talks. */
  shellTool: z
    .strictObject({
      name: z.string().min(1),
      /** Name of the argument that takes the command. */
      command: z.string().min(1),
      /** Other arguments it insists on. */
      others: z.record(z.string(), z.unknown()).default({}),
    })
    .optional(),
});

const routeSchema = placeSchema.extend({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  /**
   * `bearer`, the default: only with a live access token of this vendor (RFC 6750 §2.1). `key`: with its API key,
   * which is `apiKey` of the fake's state.
   */
  access: z.enum(['bearer', 'key', 'public']).default('bearer'),
  /** Of `access: 'key'`: the header in which it comes, in lower case. Default: `authorization`, as a bearer token. */
  keyHeader: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .optional(),
  answer: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('json'), status: z.number().int().default(200), body: z.unknown() }),
    modelSchema,
  ]),
});

const schema = z.strictObject({
  /** What the pages say the user signs in to. */
  product: z.string().min(1).max(60),
  /** None where the vendor has keys only. */
  clients: z.array(clientSchema).default([]),
  /** Authorization endpoint of the code flow (RFC 6749 §4.1). */
  authorize: placeSchema.extend({ pkce: z.enum(['required', 'optional']).default('required') }).optional(),
  /** Device authorization endpoint (RFC 8628 §3.1), and the page on which the user types the code. */
  device: placeSchema
    .extend({
      page: placeSchema,
      intervalSeconds: z.number().int().min(1).default(5),
      lifetimeSeconds: z.number().int().min(1).default(900),
      /** Whether the answer has `verification_uri_complete`, a link with the code in it (RFC 8628 §3.2). */
      completeUri: z.boolean().default(false),
    })
    .optional(),
  token: placeSchema
    .extend({
      body: z.enum(['form', 'json', 'either']).default('form'),
      /** Status of a refusal. RFC 6749 §5.2 wants 400; GitHub answers 200. */
      refusalStatus: z.union([z.literal(400), z.literal(200)]).default(400),
    })
    .optional(),
  /** Token revocation endpoint (RFC 7009). */
  revoke: placeSchema.optional(),
  tokens: z.strictObject({
    /** As `token_type` in answers; compared without regard to case (RFC 6749 §5.1). */
    type: z
      .string()
      .regex(/^bearer$/i)
      .default('bearer'),
    /** In front of each access and refresh token. */
    prefix: z.string().default(''),
    /** `null` where access tokens never end; the answer then has no `expires_in`. */
    accessLifetimeSeconds: z.number().int().min(1).nullable().default(3600),
    /** `rotating`: good for one use, and a second one ends the whole login (RFC 9700 §4.14.2). */
    refresh: z.enum(['rotating', 'reusable', 'none']).default('rotating'),
  }),
  /** Everything else that the CLI calls. What is not listed answers 404, and 401 without a token. */
  routes: z.array(routeSchema).default([]),
});

export type OauthTable = z.infer<typeof schema>;
/** What an author writes: defaults may be left out. */
export type OauthTableInput = z.input<typeof schema>;
export type OauthClient = OauthTable['clients'][number];
export type OauthRoute = OauthTable['routes'][number];
export type ChatModel = z.infer<typeof modelSchema>;

/** Checks a table and fills in its defaults. Throws CONFIG_INVALID that names every mistake. */
export function parseOauthTable(input: OauthTableInput): OauthTable {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error), parsed.error);
  const table = parsed.data;
  const taken = new Set<string>();
  for (const [method, { host, path }] of placesOf(table)) {
    const place = `${method} https://${host}${path}`;
    if (taken.has(place)) throw invalid(`${place} is given twice.`);
    taken.add(place);
  }
  const { authorize, device, token, clients } = table;
  const hasLogin = authorize !== undefined || device !== undefined;
  const takesKeys = table.routes.some(({ access }) => access === 'key');
  if (!hasLogin && !takesKeys)
    throw invalid("It has neither authorize nor device, nor a route with access: 'key', so nobody can log in.");
  if (hasLogin && !token) throw invalid('It has a login and no token endpoint, so nobody would get a token.');
  if (hasLogin && clients.length === 0) throw invalid('It has a login and no clients, so nobody could ask for one.');
  return table;
}

function placesOf(table: OauthTable): readonly (readonly [string, { readonly host: string; readonly path: string }])[] {
  const { authorize, device, token, revoke, routes } = table;
  return [
    ...(authorize ? [['GET', authorize] as const] : []),
    ...(device
      ? ([
          ['POST', device],
          ['GET', device.page],
          ['POST', device.page],
        ] as const)
      : []),
    ...(token ? [['POST', token] as const] : []),
    ...(revoke ? [['POST', revoke] as const] : []),
    ...routes.map((route) => [route.method, route] as const),
  ];
}

function invalid(problem: string, cause?: unknown): SallyportError {
  return new SallyportError('CONFIG_INVALID', `The table of the fake vendor is not valid: ${problem}`, {
    hint: 'Correct the table that was handed to createFakeOauth.',
    ...(cause !== undefined && { cause }),
  });
}
