"""The report page's style sheet: system fonts, one column on a phone, ink-saving in print."""

CSS = """
:root { color-scheme: light; --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --paper: #fff;
  --blue: #0072B2; --vermillion: #b34700; --green: #00704f; --amber: #7a5300; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem 1.25rem 3rem; color: var(--ink);
  background: var(--paper); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
code, dd { overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .75rem; padding-top: .75rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
p { margin: .25rem 0; max-width: 48rem; }
.soft, figcaption, dt, th { color: var(--soft); }
code, dd { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .9em; }
.verdict { display: flex; gap: .9rem; align-items: baseline; flex-wrap: wrap; margin: 1.25rem 0 0;
  padding: .8rem 1rem; border: 1px solid; border-left-width: 8px; border-radius: 4px; }
.verdict p { flex: 1 1 18rem; color: var(--ink); }
.outcome { font-weight: 650; white-space: nowrap; }
.pass { color: var(--green); } .fail { color: var(--vermillion); }
.inconclusive { color: var(--amber); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; }
.tile { border: 1px solid var(--line); border-radius: 4px; padding: .6rem .8rem; }
.tile b { display: block; font-size: 1.45rem; line-height: 1.25; font-weight: 600; }
.tile span { color: var(--soft); font-size: .85rem; display: block; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { font-weight: 600; margin-bottom: .25rem; }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 11px; fill: var(--soft); } svg text.axis { font-size: 12px; }
svg text.strong { font-size: 14px; font-weight: 650; fill: var(--ink); }
svg .grid { stroke: var(--line); stroke-width: .7; }
svg .rule { stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 5 4; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th { text-align: left; font-weight: 600; }
th, td { padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.because { min-width: 16rem; }
.bar { display: block; height: 4px; margin-top: 3px; background: var(--line); min-width: 5rem; }
.bar i { display: block; height: 100%; background: var(--blue); }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .3rem 1.25rem;
  margin: 0; }
dd { margin: 0; }
@media (max-width: 40rem) {
  body { padding: 1rem .9rem 2rem; }
  .wide, .wide tbody, .wide tr, .wide td { display: block; } .wide thead { display: none; }
  .wide tr { border-bottom: 1px solid var(--line); padding: .6rem 0; }
  .wide td { border: 0; padding: .1rem 0; display: flex; justify-content: space-between; gap: 1rem; }
  .wide td::before { content: attr(data-label); color: var(--soft); flex: none; }
  .wide td.head { font-weight: 650; } .wide td.head::before { content: none; }
  .wide td.because { display: block; min-width: 0; } .wide td.because::before { content: none; }
  table { font-size: .85rem; } th, td { padding-right: .4rem; }
  .bar { flex: none; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; }
}
@media print {
  body { font-size: 10.5pt; max-width: none; padding: 0; }
  h2 { break-after: avoid; } tr, figure, .tile, .verdict { break-inside: avoid; }
  .charts, .tiles { grid-template-columns: repeat(3, 1fr); }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
