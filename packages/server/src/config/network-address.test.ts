import { describe, expect, it } from 'vitest';

import { networkAddress } from './network-address.ts';

const local = { host: '127.0.0.1', port: 4000, publicUrl: undefined, allowedOrigins: [], trustProxy: [] };
const unset = { host: undefined, port: undefined, publicUrl: undefined };
const auth = { signIn: [] };
const publicUrl = 'https://connect.example.com';

describe('where the server listens', () => {
  it.each(['0.0.0.0', '::', '192.168.1.2', '::ffff:10.0.0.1', 'fe80::1%eth0', 'example.com', '127.0.0.1.example.com'])(
    'is not %s while nobody is asked who they are',
    (host) => {
      const refused = /HOST must be a loopback address.*use every account/;
      expect(() => networkAddress({ ...local, auth: undefined }, { ...unset, host })).toThrow(refused);
      expect(() => networkAddress({ ...local, auth: undefined, publicUrl }, { ...unset, host })).toThrow(refused);
      expect(() => networkAddress({ ...local, host, auth: undefined }, unset)).toThrow(
        /^host must be a loopback address/,
      );
    },
  );

  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1', '0:0:0:0:0:0:0:1'])('may be %s', (host) => {
    expect(networkAddress({ ...local, auth: undefined }, { ...unset, host })).toMatchObject({ host, port: 4000 });
  });

  it('is not known by another name while nobody is asked who they are, also behind a proxy on this host', () => {
    expect(() => networkAddress({ ...local, auth: undefined, publicUrl }, unset)).toThrow(/cannot be known as https/);
    const loopback = networkAddress({ ...local, auth: undefined, publicUrl: 'http://localhost:4000' }, unset);
    expect(loopback.address.origin).toBe('http://localhost:4000');
  });

  it('is any address with sign-in and an https address in front', () => {
    expect(() => networkAddress({ ...local, auth }, { ...unset, host: '0.0.0.0' })).toThrow(/without a public address/);
    const plain = { ...unset, host: '0.0.0.0', publicUrl: 'http://127.0.0.1:4000' };
    expect(() => networkAddress({ ...local, auth }, plain)).toThrow(/without a public address/);
    const found = networkAddress({ ...local, auth }, { host: '0.0.0.0', port: 80, publicUrl });
    expect(found).toEqual({
      host: '0.0.0.0',
      port: 80,
      address: { origin: publicUrl, allowedOrigins: [] },
      trustedProxies: undefined,
    });
  });

  it('takes the environment before the configuration', () => {
    const other = 'https://other.example.com';
    expect(networkAddress({ ...local, auth, publicUrl: other }, { ...unset, publicUrl }).address.origin).toBe(
      publicUrl,
    );
    expect(networkAddress({ ...local, auth, publicUrl: other }, unset).address.origin).toBe(other);
  });
});
