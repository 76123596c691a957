import { z } from 'zod';

import { isSecure } from '../auth/public-address.ts';

/** A code that comes back in a query must not be read on the way, and a fragment would come behind it. */
const returnUrlSchema = z.string().refine((text) => {
  const url = URL.parse(text);
  return url !== null && isSecure(url) && url.hash === '' && url.username === '' && url.password === '';
}, 'must be an https address, or http on loopback, without a fragment');

export const connectLinkSettingsSchema = z.strictObject({
  product: z.string().trim().min(1).max(60),
  returnUrls: z.array(returnUrlSchema).min(1).max(100),
});

export type ConnectLinkSettings = Readonly<z.infer<typeof connectLinkSettingsSchema>>;
