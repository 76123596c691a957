import { z } from 'zod';

import { secureOrigin } from '../auth/public-address.ts';

/** An origin as browsers write it, or with a slash behind it. */
function origin(problem: string): z.ZodType<string> {
  return z.string().transform((text, context) => {
    const found = secureOrigin(text);
    if (found !== undefined) return found;
    context.addIssue(problem);
    return z.NEVER;
  });
}

export const originSchema = origin('must be an https origin such as https://app.example.com, without a path');

export const publicUrlSchema = origin(
  'must be an https address such as https://connect.example.com: without a path, since the server cannot be moved below one',
);
