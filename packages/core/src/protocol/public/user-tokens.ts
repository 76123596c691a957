import { z } from 'zod';

import { namedUserSchema, timeSchema } from './common.ts';

export const userTokenScopeSchema = z
  .enum(['connect', 'prompt', 'machines'])
  .describe(
    '`connect`: log in, import a login, disconnect. `prompt`: run prompts and read them. `machines`: hibernate, wake ' +
      'and destroy machines. Without any, the user can look at what is theirs.',
  );
export type UserTokenScope = z.infer<typeof userTokenScopeSchema>;

export const userTokenBodySchema = z.strictObject({
  userId: namedUserSchema,
  scopes: z.array(userTokenScopeSchema).max(10),
  origin: z
    .string()
    .max(300)
    .optional()
    .describe('Origin of the page that will use the token, such as `https://app.example.com`. Absent: a program.'),
  expiresIn: z.int().min(60).max(3600).default(900).describe('Seconds.'),
});

export const userTokenSchema = z.object({
  token: z.string(),
  userId: z.guid().describe('As in everything else that this server says of the user.'),
  expiresAt: timeSchema,
});
