/** Colours by what they are for, in light and dark; all text on its ground has a contrast of 4.5 to 1 or more. */
export const COLOURS = {
  ground: ['#f6f7f9', '#12161b'],
  sheet: ['#ffffff', '#1a1f26'],
  ink: ['#1b222b', '#e6eaef'],
  quiet: ['#56616e', '#a3adb9'],
  line: ['#dfe3e8', '#2f3741'],
  wash: ['#eef2f7', '#222a33'],
  accent: ['#1f5a99', '#86b7ec'],
  good: ['#1c6e46', '#74cf9d'],
  warn: ['#835500', '#eabf6b'],
  bad: ['#ad2a22', '#ff9a91'],
} as const satisfies Readonly<Record<string, readonly [light: string, dark: string]>>;

const colours = (index: 0 | 1): string =>
  Object.entries(COLOURS)
    .map(([name, pair]) => `--${name}:${pair[index]};`)
    .join('');

/** The style of the page: system fonts, and nothing that is fetched. */
export const STYLE = `
:root{color-scheme:light dark;${colours(0)}}
@media screen and (prefers-color-scheme:dark){:root{${colours(1)}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}
main,header.page,footer{max-width:1080px;margin:0 auto;padding:0 clamp(16px,4vw,40px)}
h1{font-size:clamp(1.55rem,1.2rem + 1.6vw,2.3rem);line-height:1.2;letter-spacing:-.015em;margin:.15em 0 .4em;font-weight:650}
h2{font-size:1.4rem;line-height:1.3;letter-spacing:-.01em;margin:0 0 .5rem;font-weight:650}
h3{font-size:1rem;margin:2.2rem 0 .7rem;font-weight:650}
h4{font-size:.9rem;margin:1.2rem 0 .4rem;font-weight:650}
p{margin:.4rem 0 .8rem;max-width:68ch}
a{color:var(--accent)}
code,.digest{font:.86em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
.quiet,.detail,.clock,.span,dt{color:var(--quiet)}
code,.digest,.detail,dd,.family strong{overflow-wrap:anywhere}
.figure{white-space:nowrap}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
header.page{padding-top:clamp(28px,6vw,64px)}
.mark-of{font-size:.8rem;letter-spacing:.08em;text-transform:uppercase;color:var(--quiet);margin:0}
.sheet{background:var(--sheet);border:1px solid var(--line);border-radius:12px;padding:clamp(18px,3.4vw,36px);margin:0 0 24px}
.fidelity{border-left:4px solid var(--accent);background:var(--wash);border-radius:0 10px 10px 0;padding:16px 20px;margin:20px 0 24px}
.fidelity p{margin:.15rem 0}
.fidelity .level{font-size:1.15rem;font-weight:650;margin:0}
.ladder{display:flex;flex-wrap:wrap;gap:6px;list-style:none;padding:0;margin:12px 0 2px;font-size:.82rem}
.ladder li{border:1px solid var(--line);border-radius:99px;padding:2px 11px;color:var(--quiet);background:var(--sheet)}
.ladder li[aria-current]{border-color:var(--accent);color:var(--accent);font-weight:650;box-shadow:inset 0 0 0 1px var(--accent)}
dl.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,200px),1fr));gap:12px 28px;margin:18px 0}
dl.facts div{min-width:0}
dl.facts .wide{grid-column:1/-1}
dt{font-size:.8rem}
dd{margin:0}
table{border-collapse:collapse;width:100%;font-size:.93rem}
caption{text-align:left;color:var(--quiet);font-size:.85rem;padding-bottom:6px}
th,td{text-align:left;vertical-align:top;padding:9px 14px 9px 0;border-bottom:1px solid var(--line)}
th:last-child,td:last-child{padding-right:0}
thead th{font-size:.8rem;font-weight:500;color:var(--quiet);border-bottom-color:var(--quiet)}
tbody th{font-weight:600}
.badge{display:inline-flex;align-items:center;gap:6px;border:1px solid currentColor;border-radius:99px;padding:1px 11px 1px 8px;font-size:.85rem;font-weight:600;white-space:nowrap;color:var(--quiet)}
.badge svg{width:13px;height:13px;flex:none;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.badge.good{color:var(--good)}.badge.warn{color:var(--warn)}.badge.bad{color:var(--bad)}
.run-head{display:flex;flex-wrap:wrap;gap:10px 16px;align-items:center;justify-content:space-between}
.run-head h2{margin:0}
.run-head .badge{font-size:1rem;padding:3px 15px 3px 11px}
.verdicts li{display:flex;gap:7px;align-items:center;font-size:.9rem}
.verdicts{display:flex;flex-wrap:wrap;gap:8px 12px;align-items:center;margin:0 0 16px;padding:0;list-style:none}
.metrics{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,132px),1fr));gap:12px}
.metric{border:1px solid var(--line);border-radius:10px;padding:13px 14px;min-width:0;display:flex;flex-direction:column;gap:2px}
.metric .name{font-size:.88rem;font-weight:600}
.metric .badge{align-self:flex-start;margin:5px 0 6px;font-size:.8rem;white-space:normal;border-radius:14px}
.metric .value{font-size:1.65rem;line-height:1.25;font-weight:600;letter-spacing:-.02em}
.metric .value.none{font-size:1.05rem;line-height:2.05rem;font-weight:500;color:var(--quiet);letter-spacing:0}
.metric small{font-size:.8rem;line-height:1.45;color:var(--quiet)}
.metric .bar{display:block;height:6px;margin:6px 0 5px;border-radius:3px;overflow:hidden}
.bar rect{fill:var(--wash)}.bar rect.part{fill:var(--good)}.bar rect.part.late{fill:var(--warn)}
.timeline{margin:4px 0 10px;padding:0 11px}
.timeline svg{display:block;overflow:visible}
.timeline text{font-size:11.5px;fill:var(--quiet)}
.axis{stroke:var(--quiet);stroke-width:1}.tick{stroke:var(--quiet)}.stem{stroke:var(--quiet);stroke-width:1;opacity:.6}
.mark circle,.point{fill:var(--sheet);stroke:var(--quiet);stroke-width:1.6}
.point{fill:var(--quiet);stroke:none}
.mark text{font-size:11.5px;font-weight:650;text-anchor:middle;fill:var(--ink)}
.mark.injected circle,.point.injected{stroke:var(--bad);fill:var(--bad)}
.mark.detected circle,.mark.alerted circle,.mark.acknowledged circle,.point.detected{stroke:var(--accent);fill:var(--accent)}
.mark.contained circle,.mark.recovered circle,.mark.cleaned circle,.point.contained,.point.recovered{stroke:var(--good);fill:var(--good)}
.mark.injected text,.mark.detected text,.mark.alerted text,.mark.acknowledged text,.mark.contained text,.mark.recovered text,.mark.cleaned text{fill:var(--sheet)}
.lens{fill:var(--wash)}.funnel polygon{fill:var(--wash)}
.timeline .spans{margin-top:10px}
.timeline .spans .name{font-size:12.5px;fill:var(--ink)}.spans .ms{fill:var(--quiet)}
.spans rect{fill:var(--accent)}.spans rect.contain,.spans rect.recover{fill:var(--good)}
.number{display:inline-grid;place-items:center;min-width:21px;height:21px;padding:0 4px;border-radius:11px;border:1.6px solid var(--quiet);font-size:.74rem;font-weight:650;line-height:1;white-space:nowrap}
.number.injected{background:var(--bad);border-color:var(--bad);color:var(--sheet)}
.number.detected,.number.alerted,.number.acknowledged{background:var(--accent);border-color:var(--accent);color:var(--sheet)}
.number.contained,.number.recovered,.number.cleaned{background:var(--good);border-color:var(--good);color:var(--sheet)}
.moments td{padding-top:6px;padding-bottom:6px}
.moments .detail{padding-left:4px}
.trends{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:18px 40px}
.trend{margin:0;min-width:0}
.trend figcaption{display:flex;justify-content:space-between;gap:10px;font-size:.9rem;border-bottom:1px solid var(--line);padding-bottom:5px;margin-bottom:8px}
.trend svg{display:block;overflow:visible}
.trend text{font-size:11.5px;fill:var(--quiet);text-anchor:middle}
.trend text.limit{text-anchor:start;fill:var(--warn)}
.trend text.now{fill:var(--ink);font-weight:650}
.trend line.limit{stroke:var(--warn);stroke-dasharray:4 4}
.trend .course{stroke:var(--accent);stroke-width:2;stroke-linecap:round}
.trend .value{fill:var(--sheet);stroke:var(--accent);stroke-width:2}.trend .value.now{fill:var(--accent)}
.trend .missing{font-size:16px;fill:var(--bad)}
.change{font-size:.85rem;color:var(--quiet)}.trend .change{white-space:nowrap}.change.better{color:var(--good)}.change.worse{color:var(--bad)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:0 40px}
ul.said{margin:.3rem 0 .6rem;padding:0;list-style:none}
ul.said li{padding:5px 0 5px 26px;position:relative}
ul.said svg{position:absolute;left:0;top:10px;width:15px;height:15px;fill:none;stroke:var(--quiet);stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
ul.said.good svg{stroke:var(--good)}ul.said.bad svg{stroke:var(--bad)}
.of-source{margin-bottom:1.4rem}
.of-source h4{display:flex;justify-content:space-between;gap:12px;border-bottom:1px solid var(--quiet);padding-bottom:4px;margin-bottom:0}
.families{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,250px),1fr));gap:0 32px}
.family{padding:9px 0;border-bottom:1px solid var(--line);font-size:.9rem;min-width:0}
.family .row{display:flex;justify-content:space-between;gap:12px}
.family svg{display:block;margin:5px 0 2px;height:8px}
.family rect{fill:var(--sheet);stroke:var(--quiet);stroke-width:1}.family rect.yes{fill:var(--accent);stroke:var(--accent)}
.chips{display:flex;flex-wrap:wrap;gap:6px 8px;list-style:none;padding:0;margin:.4rem 0 1rem;font-size:.87rem}
.chips li{border:1px dashed var(--quiet);border-radius:8px;padding:2px 10px;color:var(--quiet)}
.chips li.yes{border:1px solid var(--accent);color:var(--ink);background:var(--wash)}
.sign{height:3.2em}
.sign th,.signed th:first-child{width:34%}.signed th:last-child{width:22%}
.glance{font-size:1.02rem;margin:0 0 4px}
footer{padding-top:8px;padding-bottom:48px;font-size:.85rem;color:var(--quiet)}
@media (max-width:640px){
dl.facts{grid-template-columns:1fr 1fr;gap:12px 18px}
table.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.stack tbody,table.stack tr,table.stack th,table.stack td{display:block}
table.stack tr{padding:12px 0;border-bottom:1px solid var(--line)}
table.stack th,table.stack td{border:0;padding:2px 0}
table.stack td[data-of]{position:relative;padding-left:6.6rem;min-height:1.55em}
table.stack td[data-of]::before{content:attr(data-of);position:absolute;left:0;color:var(--quiet);font-size:.82rem}
.metrics{grid-template-columns:1fr}
.metric{display:grid;grid-template-columns:1fr auto;gap:0 8px;padding:12px}
.metric>*{grid-column:1/-1}
.metric .name{grid-column:1;grid-row:1}
.metric .badge{grid-column:2;grid-row:1;margin:0;font-size:.76rem}
.signed td{height:2.4em}
.moments .clock,.moments th:last-child{display:none}
.moments .detail{display:block;padding-left:0}
.moments td{padding-right:10px}
}
@media print{
@page{margin:16mm 14mm}
body{background:none;font-size:10.5pt}
main,header.page,footer{max-width:none;padding-left:0;padding-right:0}
header.page{padding-top:0}
.sheet{border:0;padding:0;margin:0 0 18pt;border-radius:0}
section.run,section.run+.part{break-before:page}
.metrics{grid-template-columns:repeat(5,1fr);gap:8px}
.metric{padding:9px 10px}.metric small{font-size:7.6pt}.metric .value{font-size:14pt}.metric .badge{font-size:7.6pt;padding:0 7px 0 5px}
h2,h3,h4,caption,thead{break-after:avoid}
tr,li,.metric,.trend,.timeline,.fidelity,.family,dl.facts div{break-inside:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
a{color:inherit;text-decoration:none}
}
`;
