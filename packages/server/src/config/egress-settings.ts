import { z } from 'zod';

/** A proxy service as the machines' egress. Its user and password stay on this host. */
export type EgressSettings =
  | {
      /** One proxy, and with it one address, for everybody. */
      readonly kind: 'proxy';
      /** Default `http`. */
      readonly protocol?: 'http' | 'https' | 'socks5' | undefined;
      /** With `https`: one that is trusted beside those that Node trusts. PEM. */
      readonly certificateAuthority?: string | undefined;
      readonly host: string;
      readonly port: number;
      readonly username?: string | undefined;
      readonly password?: string | undefined;
    }
  | {
      /** A port for each user, from 10001, as at Decodo: everybody's address is their own, and stays the same. */
      readonly kind: 'decodo';
      /** Default `http`. */
      readonly protocol?: 'http' | 'https' | 'socks5' | undefined;
      /** With `https`: one that is trusted beside those that Node trusts. PEM. */
      readonly certificateAuthority?: string | undefined;
      readonly host: string;
      readonly username: string;
      readonly password: string;
    };

const protocol = z.enum(['http', 'https', 'socks5']).optional();
const certificateAuthority = z
  .string()
  .regex(/^-----BEGIN CERTIFICATE-----$/m, 'must be a certificate in PEM')
  .optional();
const host = z.string().regex(/^[A-Za-z0-9.:-]+$/, 'must be a host name or an address');

export const egressSettingsSchema: z.ZodType<EgressSettings> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('proxy'),
    protocol,
    certificateAuthority,
    host,
    port: z.int().min(1).max(65_535),
    username: z.string().min(1).optional(),
    password: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('decodo'),
    protocol,
    certificateAuthority,
    host,
    username: z.string().min(1),
    password: z.string().min(1),
  }),
]);
