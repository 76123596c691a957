import { createHash, randomUUID } from 'node:crypto';

import type { ConnectLinkStore, Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const random = (): string => sha256(randomUUID());
const HOUR_MS = 3_600_000;

export function describeConnectLinks(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  const newLink = async (links: ConnectLinkStore, lifetimeMs = HOUR_MS) => {
    const tokenSha256 = random();
    const link = await links.create({
      linkId: randomUUID(),
      userId: randomUUID(),
      externalId: 'ada',
      provider: 'codex',
      replace: false,
      returnUrl: 'https://app.example.com/connected',
      state: 'opaque \u0001',
      tokenSha256,
      lifetimeMs,
    });
    return { link, tokenSha256 };
  };

  describe('connect links', () => {
    it('belong to the first browser that opens them, of ten at once', async () => {
      const { connectLinks: links } = await create();
      const { link, tokenSha256 } = await newLink(links);
      expect(link.sessionId).toBe(null);
      const browsers = Array.from({ length: 10 }, random);
      const opened = await Promise.all(browsers.map((browser) => links.open(tokenSha256, browser, HOUR_MS)));
      expect(opened.filter((each) => each !== undefined).length).toBe(1);
      const found = await Promise.all(browsers.map((browser) => links.ofBrowser(browser)));
      expect(found.map((each) => each?.linkId)).toEqual(opened.map((each) => each?.linkId));
      expect(found.find((each) => each !== undefined)).toMatchObject({
        ...link,
        expiresAt: found.find(Boolean)?.expiresAt,
      });
      await expect(links.open(random(), random(), HOUR_MS)).resolves.toBeUndefined();
    });

    it('live on from when they are opened, and never shorter', async () => {
      const { connectLinks: links } = await create();
      const { link, tokenSha256 } = await newLink(links);
      const longer = await links.open(tokenSha256, random(), 2 * HOUR_MS);
      expect((longer?.expiresAt.getTime() ?? 0) - link.expiresAt.getTime()).toBeGreaterThan(HOUR_MS - 60_000);
      const other = await newLink(links);
      const same = await links.open(other.tokenSha256, random(), 1000);
      expect(same?.expiresAt).toEqual(other.link.expiresAt);
    });

    it('have one login after the other', async () => {
      const { connectLinks: links } = await create();
      const { link, tokenSha256 } = await newLink(links);
      const browser = random();
      await links.open(tokenSha256, browser, HOUR_MS);
      const [first, second] = [randomUUID(), randomUUID()];
      const both = await Promise.all([first, second].map((id) => links.setSession(link.linkId, null, id)));
      expect(both.filter(Boolean).length).toBe(1);
      const winner = both[0] === true ? first : second;
      await expect(links.ofBrowser(browser)).resolves.toMatchObject({ sessionId: winner });
      await expect(links.setSession(link.linkId, winner, randomUUID())).resolves.toBe(true);
    });

    it('are spent once, with the newest code', async () => {
      const { connectLinks: links } = await create();
      const { link, tokenSha256 } = await newLink(links);
      const browser = random();
      await links.open(tokenSha256, browser, HOUR_MS);
      const [earlier, code] = [random(), random()];
      await links.setCode(link.linkId, earlier, HOUR_MS);
      await expect(links.setCode(link.linkId, code, HOUR_MS)).resolves.toBe(true);
      await expect(links.spend(earlier)).resolves.toBeUndefined();
      const spent = await Promise.all(Array.from({ length: 10 }, () => links.spend(code)));
      expect(spent.filter((each) => each !== undefined).length).toBe(1);
      await expect(links.ofBrowser(browser)).resolves.toBeUndefined();
      await expect(links.setCode(link.linkId, code, HOUR_MS)).resolves.toBe(false);
      await expect(links.setSession(link.linkId, null, randomUUID())).resolves.toBe(false);
    });

    it('that have expired can only be removed', async () => {
      const { connectLinks: links } = await create();
      const { link, tokenSha256 } = await newLink(links, 0);
      await expect(links.open(tokenSha256, random(), HOUR_MS)).resolves.toBeUndefined();
      await expect(links.setCode(link.linkId, random(), HOUR_MS)).resolves.toBe(false);
      const codeOver = await newLink(links);
      const code = random();
      await links.setCode(codeOver.link.linkId, code, 0);
      await expect(links.spend(code)).resolves.toBeUndefined();
      const isEnded = async (linkId: string) =>
        (await links.list({ ended: true, limit: 1000 })).some((each) => each.linkId === linkId);
      expect([await isEnded(link.linkId), await isEnded(codeOver.link.linkId)]).toEqual([true, false]);
      await links.remove(link.linkId);
      expect(await isEnded(link.linkId)).toBe(false);
      await expect(links.list({ userId: codeOver.link.userId })).resolves.toEqual([codeOver.link]);
    });
  });
}
