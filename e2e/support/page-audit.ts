import type { Page } from 'playwright-core';

/** What a user who sees little, has no mouse or holds a phone would stumble over on the page as it is now. */
export async function auditPage(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const { document, getComputedStyle, innerWidth, matchMedia, NodeFilter } = globalThis as any;
    const problems: string[] = [];
    const parentOf = (element: any): any => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host;
    const isShown = (element: any): boolean =>
      element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const describe = (element: any): string =>
      `<${element.localName}> “${(element.textContent ?? '').trim().slice(0, 40)}”`;

    const channels = (colour: string): readonly number[] => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (rgb: readonly number[]): number => {
      const [red = 0, green = 0, blue = 0] = rgb.map((channel) => {
        const part = channel / 255;
        return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const backgroundOf = (element: any): readonly number[] => {
      for (let at = element; at; at = parentOf(at)) {
        const found = channels(getComputedStyle(at).backgroundColor);
        if ((found[3] ?? 1) === 1 && found.length >= 3) return found;
      }
      return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
    };
    /** WCAG 2.2, 1.4.3. */
    const checkContrast = (element: any): void => {
      const style = getComputedStyle(element);
      const [one, other] = [luminance(channels(style.color)), luminance(backgroundOf(element))];
      const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      const isLarge =
        parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
      if (contrast < (isLarge ? 3 : 4.5)) problems.push(`Contrast ${contrast.toFixed(2)} of ${describe(element)}`);
    };
    const nameOf = (element: any): string =>
      element.getAttribute('aria-label') ||
      [...(element.labels ?? [])].map((label: any) => label.textContent).join('') ||
      element.textContent ||
      element.alt ||
      '';

    const visit = (root: any): void => {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT);
      for (let element = walker.nextNode(); element; element = walker.nextNode()) {
        if (element.shadowRoot) visit(element.shadowRoot);
        if (!isShown(element)) continue;
        const { left, right, width, height } = element.getBoundingClientRect();
        const hasText = [...element.childNodes].some((node: any) => node.nodeType === 3 && node.data.trim() !== '');
        if (hasText && !element.closest(':disabled') && width > 0) checkContrast(element);
        if (width > 1 && left >= 0 && right > innerWidth + 1)
          problems.push(`${describe(element)} ends ${Math.round(right - innerWidth)} px outside`);
        if (!element.matches('a[href], button, input, select, textarea, [tabindex]:not([tabindex="-1"])')) continue;
        if (element.localName !== 'canvas' && nameOf(element).trim() === '')
          problems.push(`${describe(element)} has no name`);
        // WCAG 2.2, 2.5.8; links within a sentence are excepted.
        if (width > 1 && height < 24 && getComputedStyle(element).display !== 'inline')
          problems.push(`${describe(element)} is ${height} px high`);
      }
    };
    visit(document.body);
    if (document.documentElement.scrollWidth > innerWidth)
      problems.push(`The page is ${document.documentElement.scrollWidth} px wide`);
    return problems;
  });
}

/** What the Tab key goes to, in order, from the top of the page and once around. */
export async function tabOrder(page: Page, most = 30): Promise<readonly string[]> {
  await page.evaluate(() => (globalThis as any).document.activeElement?.blur());
  const order: string[] = [];
  while (order.length < most) {
    await page.keyboard.press('Tab');
    const name = await page.evaluate(() => {
      let active = (globalThis as any).document.activeElement;
      while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
      if (!active || active.localName === 'body') return undefined;
      return (
        active.getAttribute('aria-label') ||
        [...(active.labels ?? [])].map((label: any) => label.textContent).join('') ||
        active.textContent.trim()
      );
    });
    if (name === undefined || name === order[0]) return order;
    order.push(name);
  }
  return order;
}
