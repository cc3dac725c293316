"""The report page's style sheet: system fonts, one column on a phone, ink-saving in print."""

CSS = """
:root { color-scheme: light; --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --paper: #fff;
  --blue: #0072B2; --vermillion: #b34700; --green: #00704f; --amber: #7a5300; --red: #b00020; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 74rem; padding: 1.5rem 1.25rem 3rem; color: var(--ink);
  background: var(--paper); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
code, dd { overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .6rem; padding-top: .75rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .25rem 0; max-width: 52rem; } p.soft { font-size: .92rem; margin-bottom: .6rem; }
.soft, figcaption, dt, th, small { color: var(--soft); }
code, .facts dd { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  font-size: .9em; }
small { display: block; font-size: .85em; font-weight: 400; }
nav { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; margin: 1rem 0 0; font-size: .9rem; }
nav a { color: var(--blue); }
.verdict { display: flex; gap: .9rem; align-items: baseline; flex-wrap: wrap; margin: 1.25rem 0 0;
  padding: .8rem 1rem; border: 1px solid; border-left-width: 8px; border-radius: 4px; }
.verdict p { flex: 1 1 18rem; color: var(--ink); max-width: none; }
.verdict .outcome { font-size: 1.3rem; }
.outcome { font-weight: 650; white-space: nowrap; }
.pass { color: var(--green); } .fail { color: var(--vermillion); }
.inconclusive { color: var(--amber); }
.fail.verdict { border-style: solid; } .inconclusive.verdict { border-style: dashed; }
.override { margin: .75rem 0 0; border: 3px double var(--red); border-radius: 4px;
  background: #fdf1f2; break-inside: avoid; }
.override .flag { display: block; margin: 0; padding: .35rem 1rem; max-width: none;
  background: var(--red); color: #fff; font-weight: 650; }
.override dl { padding: .6rem 1rem; }
.override dt { color: var(--red); font-weight: 600; }
span.flag { display: inline-block; background: var(--red); color: #fff; font-size: .8rem;
  font-weight: 650; padding: 0 .4rem; border-radius: 3px; white-space: nowrap; }
.stack { display: flex; flex-direction: column; gap: .15rem; align-items: flex-start; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem; }
.tile { border: 1px solid var(--line); border-radius: 4px; padding: .6rem .8rem; }
.tile b { display: block; font-size: 1.45rem; line-height: 1.25; font-weight: 600; }
.tile span { color: var(--soft); font-size: .85rem; display: block; }
.tile span:first-child { color: var(--ink); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr));
  gap: 1.5rem 1.25rem; margin: .5rem 0 1rem; }
figure { margin: 0; max-width: 30rem; } figcaption { font-weight: 600; margin-bottom: .25rem; }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 11px; fill: var(--soft); } svg text.axis { font-size: 12px; }
svg text.halo { fill: var(--ink); paint-order: stroke; stroke: #fff; stroke-width: 4px;
  stroke-linejoin: round; }
svg .grid { stroke: var(--line); stroke-width: .7; }
svg .rule { stroke: var(--soft); stroke-width: 1.6; stroke-dasharray: 1.5 3.5; }
svg .limit { stroke: var(--ink); stroke-width: 1.6; stroke-dasharray: 4 3; }
svg .even { stroke: var(--ink); stroke-width: 1.2; }
svg .beyond { fill: #1b1f24; opacity: .09; }
svg.strip { width: 13rem; max-width: 100%; }
.scale { display: flex; justify-content: space-between; gap: .5rem; width: 13rem; max-width: 100%;
  font-weight: 400; font-size: .8rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; margin: .25rem 0 .75rem; }
th { text-align: left; font-weight: 600; vertical-align: bottom; line-height: 1.3; }
th, td { padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line); }
td { vertical-align: top; }
td.number, th.number { text-align: right; } td.number { white-space: nowrap; }
td.head { min-width: 8rem; } td.because { min-width: 15rem; }
td.picture { width: 13rem; } td, dt, th { overflow-wrap: anywhere; } td.number, th, .outcome { overflow-wrap: normal; }
.whole { display: inline-block; }
.scroll { overflow-x: auto; }
.span { grid-column: span 2; max-width: none; }
.all { grid-column: 1 / -1; max-width: none; }
.confusion { width: auto; } .confusion td { padding: .15rem; border: 0; vertical-align: middle; }
.confusion th { padding: .15rem .5rem; border: 0; min-width: 3.6rem; max-width: 9rem; overflow-wrap: anywhere; }
.confusion td.head { padding-right: .75rem; font-weight: 600; }
.heat { display: block; padding: .35rem .7rem; text-align: right; border-radius: 3px;
  min-width: 5.5rem; } .heat small { color: var(--ink); }
dl { display: grid; grid-template-columns: fit-content(16rem) minmax(0, 1fr); gap: .2rem 1.25rem;
  margin: 0; }
dd { margin: 0; }
@media (max-width: 44rem) {
  body { padding: 1rem .9rem 2rem; }
  .wide, .wide tbody, .wide tr, .wide td { display: block; width: auto; }
  .wide thead { display: none; }
  .wide tr { border-bottom: 1px solid var(--line); padding: .6rem 0; }
  .wide td, .wide td.number { border: 0; padding: .1rem 0; display: flex; min-width: 0;
    justify-content: space-between; gap: 1rem; text-align: right; white-space: normal; }
  .wide td::before { content: attr(data-label); color: var(--soft); flex: none; text-align: left; }
  .wide td.head { font-weight: 650; display: block; text-align: left; font-size: 1rem; }
  .wide td.head::before, .wide td.picture::before, .wide td.because::before { content: none; }
  .wide td.because { display: block; text-align: left; }
  .wide td.picture { width: auto; padding: .2rem 0; }
  svg.strip { width: 100%; max-width: 26rem; }
  .wide td:has(> .absent), .wide td:empty { display: none; }
  .wide .stack { align-items: flex-end; }
  .tiles { grid-template-columns: repeat(2, 1fr); }
  .charts { grid-template-columns: 1fr; } .span, .all { grid-column: auto; min-width: 0; }
  .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: .5rem; }
  .heat { min-width: 4rem; padding: .3rem .4rem; } .confusion { font-size: .85rem; }
}
@page { size: A4; margin: 14mm 12mm 16mm;
  @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt; color: #57606a; } }
@media print {
  html { font-size: 9pt; }
  body { font-size: 1rem; max-width: none; padding: 0; } nav { display: none; }
  h2, h3 { break-after: avoid; break-inside: avoid; } h2 { margin-top: 1.4rem; } p.soft { break-after: avoid; }
  h2::after, h3::after { content: ""; display: block; height: 8rem; margin-bottom: -8rem; } /* Room below it. */
  tr, figure, .tiles, .verdict { break-inside: avoid; }
  thead { display: table-header-group; }
  .charts { grid-template-columns: repeat(2, 1fr); } .tiles { grid-template-columns: repeat(4, 1fr); }
  figure { max-width: 74mm; } figure.span, figure.all { max-width: none; } th, td { padding: .25rem .5rem .25rem 0; }
  svg.strip, .scale, td.picture { width: 11rem; } td.because { min-width: 14rem; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
