import { launch } from 'puppeteer-core';
import type { Browser } from 'puppeteer-core';

/**
 * Debian's Firefox, with cookies of third parties blocked. Playwright drives it by commands of WebDriver BiDi that the
 * extended support release does not know (`emulation.setMediaFeaturesOverride`); Puppeteer uses none of them.
 */
export async function openFirefox(): Promise<Browser> {
  const blockThirdParties = 1;
  return launch({
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
    defaultViewport: { width: 1280, height: 1000 },
    extraPrefsFirefox: { 'network.cookie.cookieBehavior': blockThirdParties },
  });
}
