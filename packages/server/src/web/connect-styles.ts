/**
 * A constructed style sheet: it works inside the shadow tree under a Content-Security-Policy without
 * `unsafe-inline`. The embedding page sets the `--sallyport-*` properties to bring its own colours.
 */
export function widgetStyles(): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  return sheet;
}

const css = `
:host, body.viewer-page {
  --accent: var(--sallyport-accent, light-dark(#0b5f59, #5fd0c2));
  --on-accent: var(--sallyport-on-accent, light-dark(#ffffff, #06211f));
  --text: var(--sallyport-text, light-dark(#1b2430, #e8ecf1));
  --muted: var(--sallyport-muted, light-dark(#556070, #a6b0bd));
  --surface: var(--sallyport-surface, light-dark(#ffffff, #171d25));
  --sunken: var(--sallyport-sunken, light-dark(#f3f5f7, #10151b));
  --line: var(--sallyport-line, light-dark(#d5dbe2, #303a46));
  --bad: light-dark(#a3232b, #ff9d9d);
  --bad-surface: light-dark(#fdf0f0, #351a1d);
  --good: light-dark(#0a6b3d, #6fdca2);
  --radius: 12px;
}
:host { display: block; color: var(--text); font: inherit; line-height: 1.5; container-type: inline-size; }
:host([hidden]), [hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
h2 { margin: 0; font-size: 1.125rem; letter-spacing: -0.01em; line-height: 1.3; }
p { margin: 0; }
a { color: var(--accent); }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); overflow: hidden; }
.head { display: flex; align-items: center; gap: 14px; padding: 18px 20px; flex-wrap: wrap; }
.mark { width: 40px; height: 40px; border-radius: 10px; display: grid; place-items: center; flex: none;
  background: var(--sunken); border: 1px solid var(--line); font-weight: 700; font-size: 1.05rem; color: var(--accent); }
.who { flex: 1 1 12rem; min-width: 0; }
.who p { color: var(--muted); font-size: .9rem; overflow-wrap: anywhere; }
.body { border-top: 1px solid var(--line); padding: 18px 20px 20px; display: grid; grid-template-columns: minmax(0, 1fr); gap: 16px; }
.row { display: flex; gap: 10px; flex-wrap: wrap; align-items: center; }
.row > * { min-width: 0; max-width: 100%; }
.end { justify-content: flex-end; }
.grow { flex: 1; }
button, .button { font: inherit; font-weight: 550; min-height: 42px; padding: 8px 16px; border-radius: 9px; cursor: pointer;
  border: 1px solid var(--line); background: var(--surface); color: var(--text); text-decoration: none;
  display: inline-flex; align-items: center; justify-content: center; gap: 8px; }
button:hover, .button:hover { border-color: var(--muted); }
button.primary, .button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button.primary:hover, .button.primary:hover { filter: brightness(1.08); }
button.quiet { border-color: transparent; background: transparent; color: var(--muted); }
button.quiet:hover { color: var(--text); border-color: var(--line); }
button:disabled { opacity: .55; cursor: default; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.card:focus-visible { outline: none; }
input, select, textarea { font: inherit; color: var(--text); background: var(--surface); border: 1px solid var(--muted);
  border-radius: 9px; padding: 8px 12px; min-height: 42px; max-width: 100%; }
::placeholder { color: var(--muted); opacity: 1; }
label { font-weight: 550; font-size: .92rem; }
.pill { display: inline-flex; align-items: center; gap: 7px; font-size: .88rem; font-weight: 600; color: var(--good); white-space: nowrap; }
.pill::before { content: ''; width: 9px; height: 9px; border-radius: 50%; background: currentColor; }
.pill.warn { color: var(--bad); }
.pill.open { color: var(--muted); }
.steps { list-style: none; margin: 0; padding: 0; display: grid; gap: 6px; font-size: .95rem; }
.steps li { display: flex; gap: 10px; align-items: flex-start; color: var(--muted); }
.steps li::before { content: '✓'; width: 1.25em; text-align: center; color: var(--good); font-weight: 700; flex: none; }
.steps li.now { color: var(--text); font-weight: 550; }
.steps li.now::before { content: ''; width: 13px; height: 13px; margin: 5px 3px 0; border-radius: 50%;
  border: 2.5px solid var(--line); border-top-color: var(--accent); animation: turn .9s linear infinite; }
.steps li.now.waits::before { animation: none; border-color: var(--accent); }
.steps li.note::before { content: '·'; color: var(--muted); }
@keyframes turn { to { transform: rotate(1turn); } }
.problem { background: var(--bad-surface); border-left: 4px solid var(--bad); border-radius: 8px; padding: 12px 14px; display: grid; gap: 4px; }
.problem strong { color: var(--bad); }
.problem p { overflow-wrap: anywhere; }
.offer { background: var(--sunken); border-radius: 10px; padding: 14px 16px; display: grid; gap: 10px; }
.code { font: 700 clamp(1.7rem, 9cqi, 2.6rem)/1.2 ui-monospace, 'SF Mono', 'DejaVu Sans Mono', monospace; letter-spacing: .06em;
  padding: 12px 16px; border-radius: 10px; border: 1px dashed var(--muted); background: var(--surface); text-align: center; user-select: all; overflow-wrap: anywhere; }
.small { font-size: .86rem; color: var(--muted); }
progress { width: 100%; height: 8px; accent-color: var(--accent); }
form { display: grid; gap: 10px; margin: 0; }
.desktop { border: 1px solid var(--line); border-radius: 10px; overflow: hidden; background: var(--sunken); }
.toolbar { position: relative; display: flex; flex-wrap: wrap; align-items: center; gap: 8px; padding: 8px 10px; border-bottom: 1px solid var(--line); background: var(--surface); }
.toolbar button { min-height: 36px; padding: 4px 12px; font-size: .9rem; }
.viewer-state { font-size: .86rem; color: var(--muted); }
.soft-keyboard { position: absolute; width: 1px; height: 1px; min-height: 0; padding: 0; border: 0; opacity: .01; right: 0; bottom: 0; resize: none; font-size: 16px; }
::slotted(.sallyport-screen), .sallyport-screen { display: block; width: 100%; aspect-ratio: 16 / 10; contain: size; overflow: hidden; background: #0e1217; }
@container (max-width: 639px) { ::slotted(.sallyport-screen) { aspect-ratio: auto; height: 68svh; } }
dialog { border: 1px solid var(--line); border-radius: var(--radius); background: var(--surface); color: var(--text); padding: 20px; width: min(440px, calc(100vw - 32px)); }
dialog::backdrop { background: rgb(0 0 0 / .5); }
dialog textarea { width: 100%; }
@container (max-width: 480px) {
  .head { padding: 16px; } .body { padding: 16px; }
  .head > button { flex: 1 1 100%; }
  .viewer-state { flex: 1 1 100%; }
  select { font-size: .875rem; padding-inline: 8px; text-overflow: ellipsis; }
}
body.viewer-page { margin: 0; height: 100dvh; display: flex; flex-direction: column; background: var(--sunken); color: var(--text); }
body.viewer-page .sallyport-screen { flex: 1; aspect-ratio: auto; min-height: 0; }
body.viewer-page .ended { padding: 0 24px; }
@media (prefers-reduced-motion: reduce) { *, *::before { animation: none !important; transition: none !important; } }
@media (forced-colors: active) { .pill::before, .steps li.now::before { forced-color-adjust: none; } }
`;
