/** The page's looks, by day and by night. */
export const STYLE = `
:root{--ground:#f6f7f9;--card:#fff;--ink:#1a2230;--soft:#5d6879;--line:#e1e5eb;
--good:#18794e;--bad:#c4281f;--warn:#9a6200;
--ok:#3b78d8;--limited:#e0a020;--refused:#e07b2e;--failed:#c4281f;
--p50:#8db8f2;--p95:#3b78d8;--p99:#173f80;
--decode:#3b78d8;--queue:#e0a020;--preprocess:#12997f;--infer:#8e5bc9;--others:#a9b1bd}
@media (prefers-color-scheme:dark){:root{--ground:#10151d;--card:#181f2a;--ink:#e6eaf1;--soft:#98a4b5;--line:#2b3543;
--good:#4cc38a;--bad:#ff7a70;--warn:#f0b849;
--ok:#5b95ee;--limited:#f0b849;--refused:#f0924c;--failed:#ff6a5f;
--p50:#4a72b5;--p95:#5b95ee;--p99:#c3dafb;
--decode:#5b95ee;--queue:#f0b849;--preprocess:#3cc2a6;--infer:#b48be8;--others:#66717f}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1240px;padding:32px 24px;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;font-variant-numeric:tabular-nums}
header{margin-bottom:24px}
.kicker{margin:0;color:var(--soft);font-size:13px}
h1{margin:2px 0 4px;font-size:30px;line-height:1.2;letter-spacing:-.01em;display:flex;align-items:center;gap:12px;flex-wrap:wrap}
.badge{font-size:13px;font-weight:600;letter-spacing:0;padding:3px 10px;border-radius:99px;border:1px solid currentColor}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
.question{margin:0;font-size:17px}
.facts{margin:6px 0 0;color:var(--soft);font-size:13px;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:1px;background:var(--card);
border:1px solid var(--line);border-radius:10px;overflow:hidden;margin-bottom:20px}
.tiles div{box-shadow:0 0 0 1px var(--line);padding:12px 16px;display:flex;flex-direction:column;justify-content:space-between}
.tiles span{color:var(--soft);font-size:13px;line-height:1.3}
.tiles b{font-size:22px;font-weight:600;white-space:nowrap}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:20px;margin-bottom:20px}
.chart,.table{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;min-width:0}
figcaption,h2{font-size:15px;font-weight:600;margin:0 0 4px}
.legend{display:flex;flex-wrap:wrap;gap:2px 16px;list-style:none;margin:0 0 14px;padding:0;color:var(--soft);font-size:13px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:6px}
.legend .dashed{height:0;width:14px;border-radius:0;border-top:2px dashed var(--soft);vertical-align:4px}
.plot{display:grid;grid-template-columns:64px 1fr;grid-template-rows:200px 22px}
.plot svg{width:100%;height:100%;overflow:visible;display:block}
.y,.x{position:relative;color:var(--soft);font-size:12px;line-height:1}
.y span{position:absolute;right:10px;transform:translateY(50%);white-space:nowrap}
.x{grid-column:2}
.x span{position:absolute;top:8px;transform:translateX(-50%);white-space:nowrap}
.x span:first-child{transform:none}
.x span:last-child{transform:translateX(-100%)}
.grid{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round;vector-effect:non-scaling-stroke}
.mark{fill:none;stroke:var(--soft);stroke-width:1.5;stroke-dasharray:5 4;vector-effect:non-scaling-stroke}
.layer{stroke:var(--card);stroke-width:1;vector-effect:non-scaling-stroke}
.strip{fill:transparent}.strip:hover{fill:var(--ink);fill-opacity:.08}
.tables{columns:2 440px;column-gap:20px}
.table{break-inside:avoid;margin-bottom:20px;overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:right;padding:6px 0 6px 14px;border-top:1px solid var(--line);white-space:nowrap}
th{border-top:0;color:var(--soft);font-weight:400;font-size:13px;padding-top:0}
th:first-child,td:first-child{text-align:left;padding-left:0;white-space:normal}
tbody tr:first-child td{border-top-color:var(--line)}
em{font-style:normal;font-weight:600;font-size:13px}
.bar{display:inline-block;min-width:96px;padding:0 4px;border-radius:3px;
background:linear-gradient(to left,color-mix(in srgb,var(--p95) 30%,transparent) var(--share),transparent 0)}
footer{color:var(--soft);font-size:13px}footer p{margin:4px 0;overflow-wrap:anywhere}
code{font:12px ui-monospace,"Cascadia Code",Menlo,monospace;background:var(--card);border:1px solid var(--line);border-radius:4px;padding:0 4px}
@media (max-width:520px){body{padding:20px 12px}.tiles{grid-template-columns:repeat(2,1fr)}.tiles div{padding:10px 12px}
.chart,.table{padding:14px 12px}.plot{grid-template-columns:56px 1fr}th,td{padding-left:6px}table{font-size:12px}em{white-space:normal;font-size:12px}.bar{min-width:0}}
`;
