/** The page's style. In a module, not a file beside it, so that a bundle contains it. */
export const STYLE = `:root {
  color-scheme: light dark;
  --ground: #f5f6f8;
  --panel: #ffffff;
  --line: #e3e6eb;
  --faint: #f0f2f5;
  --ink: #1b2230;
  --soft: #5b6576;
  --dim: #6a7485;
  --link: #2452bd;
  --good: #17693f;
  --good-ground: #e2f3e9;
  --attention: #855000;
  --attention-ground: #fcf0d6;
  --bad: #b3261e;
  --bad-ground: #fce5e3;
  --busy: #2452bd;
  --busy-ground: #e4ebfb;
  --waiting: #4c5666;
  --waiting-ground: #eaedf1;
  --edge: #8a94a5;
  --action: #2452bd;
  --on-action: #ffffff;
  --created: #2452bd;
  --updated: #6f97ee;
  --unchanged: #b9c0cc;
}

@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10141b;
    --panel: #181d26;
    --line: #2a313d;
    --faint: #1f2530;
    --ink: #e8ebf0;
    --soft: #a6b0c0;
    --dim: #8691a3;
    --link: #8fb1ff;
    --good: #6fd39d;
    --good-ground: #163325;
    --attention: #f0bd61;
    --attention-ground: #3a2c10;
    --bad: #ff9088;
    --bad-ground: #43201e;
    --busy: #9dbaff;
    --busy-ground: #1f2d50;
    --waiting: #b4bdcb;
    --waiting-ground: #2a313d;
    --edge: #6b7688;
    --action: #8fb1ff;
    --on-action: #10141b;
    --created: #8fb1ff;
    --updated: #4d74cf;
    --unchanged: #4a5362;
  }
}

*, *::before, *::after { box-sizing: border-box; }

html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }

body {
  margin: 0 auto;
  max-width: 84rem;
  padding: 0 clamp(0.75rem, 3vw, 2.5rem) 2rem;
  background: var(--ground);
  color: var(--ink);
  font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
  overflow-wrap: break-word;
}

a { color: var(--link); text-underline-offset: 0.15em; text-decoration-thickness: 1px; }
a:focus-visible, button:focus-visible, input:focus-visible, select:focus-visible, summary:focus-visible, [tabindex="0"]:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px; }
h1, h2, h3, p, dl, dd, ul { margin: 0; padding: 0; }
h1 { font-size: 1.5rem; font-weight: 650; line-height: 1.25; letter-spacing: -0.01em; }
h3 { margin-top: 0.75rem; color: var(--soft); font-size: 0.8125rem; font-weight: 500; }
h1 .hint { font-weight: 400; }
main:focus { outline: none; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -100vw; top: 0; padding: 0.5rem 1rem; background: var(--panel); }
.skip:focus { left: 0; z-index: 1; }

.bar {
  display: flex;
  flex-wrap: wrap;
  gap: 0.25rem 1rem;
  align-items: center;
  justify-content: space-between;
  padding: 1rem 0;
}
.name { display: inline-flex; gap: 0.5rem; align-items: center; color: var(--ink); font-weight: 600; text-decoration: none; }
.bar nav { flex: 1 1 auto; }
.bar nav ul { display: flex; flex-wrap: wrap; gap: 0 1.125rem; list-style: none; }
.bar nav a, .lock { display: inline-block; padding: 0.25rem 0; color: var(--soft); font-size: 0.875rem; text-decoration: none; }
.bar nav a:hover, a.lock:hover { color: var(--ink); text-decoration: underline; }
.bar nav [aria-current] { color: var(--ink); font-weight: 600; box-shadow: 0 2px var(--link); }
main > .note { margin-bottom: -0.75rem; text-align: right; }

button {
  padding: 0.25rem 0.75rem;
  border: 1px solid var(--action);
  border-radius: 0.375rem;
  background: var(--action);
  color: var(--on-action);
  font: inherit;
  font-size: 0.875rem;
  font-weight: 550;
  white-space: nowrap;
  cursor: pointer;
}
button.quiet { border-color: var(--edge); background: transparent; color: var(--ink); }
input, select {
  height: 2.125rem;
  max-width: 100%;
  padding: 0.25rem 0.5rem;
  border: 1px solid var(--edge);
  border-radius: 0.375rem;
  background: var(--panel);
  color: var(--ink);
  font: inherit;
  font-size: 0.875rem;
}
.buttons { display: inline-flex; flex-wrap: wrap; gap: 0.375rem; }
.filters { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: end; }
.filters label { display: grid; gap: 0.125rem; color: var(--soft); font-size: 0.8125rem; min-width: 0; }
.stacked { display: grid; gap: 0.375rem; justify-items: start; margin: 0.75rem 0; }
.stacked label { color: var(--soft); font-size: 0.8125rem; }
.stacked input { width: 100%; }
.stacked button { margin-top: 0.375rem; }
.narrow { max-width: 32rem; padding-bottom: 1.125rem; }
.narrow h1 + p { margin-top: 0.5rem; }
.wrong { margin-top: 0.5rem; color: var(--bad); font-weight: 550; }
.lead { max-width: 75ch; color: var(--soft); }
.done-box, .todo-box, .sentence-box { padding: 0.625rem 1rem; border: 1px solid var(--line); border-radius: 0.5rem; background: var(--panel); }
.done-box { border-left: 0.25rem solid var(--good); }
.todo-box { border-left: 0.25rem solid var(--busy); }
.sentence-box { border-left: 0.25rem solid var(--bad); }
.pager { display: flex; gap: 1rem; }
.pager span { color: var(--soft); }
.more { padding: 0.5rem 0 0.25rem; font-size: 0.875rem; }

.details { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 9rem), 1fr)); gap: 0.75rem 1.5rem; padding-bottom: 0.5rem; }
.details dt, .counts dt { color: var(--soft); font-size: 0.8125rem; }
.details dd { overflow-wrap: anywhere; }
.counts { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 0.625rem 1rem; padding: 0.5rem 0; }
.counts dd { font-weight: 600; }
pre { max-height: 30rem; overflow: auto; margin: 0.5rem 0; padding: 0.75rem; border-radius: 0.375rem; background: var(--faint); font-size: 0.8125rem; white-space: pre-wrap; overflow-wrap: anywhere; }

.chart { display: block; width: 100%; margin-top: 0.375rem; }
.gauge { display: block; width: 100%; margin: 0.375rem 0; border-radius: 0.3125rem; }
.behind { fill: var(--faint); }
.chart g:hover .behind { fill: var(--line); }
rect.good { fill: var(--good); } rect.attention { fill: var(--attention); } rect.bad { fill: var(--bad); }
rect.busy { fill: var(--busy); } rect.waiting { fill: var(--waiting); }
rect.created { fill: var(--created); } rect.updated { fill: var(--updated); } rect.unchanged { fill: var(--unchanged); }
.line .limit { stroke: var(--dim); stroke-dasharray: 4 4; vector-effect: non-scaling-stroke; }
.line .area { fill: var(--busy-ground); }
.line .stroke { fill: none; stroke: var(--busy); stroke-width: 2; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.ends { display: flex; justify-content: space-between; color: var(--soft); font-size: 0.75rem; }
.legend { margin-top: 0.25rem; font-size: 0.8125rem; color: var(--soft); }
.legend span:not(.hint) { display: inline-block; margin-right: 0.75rem; }
.legend span:not(.hint)::before { content: ""; display: inline-block; width: 0.625rem; height: 0.625rem; margin-right: 0.375rem; border-radius: 0.125rem; background: var(--swatch); }
.legend .good { --swatch: var(--good); } .legend .attention { --swatch: var(--attention); } .legend .bad { --swatch: var(--bad); }
.legend .waiting { --swatch: var(--waiting); } .legend .busy { --swatch: var(--busy); }
.legend .created { --swatch: var(--created); } .legend .updated { --swatch: var(--updated); } .legend .unchanged { --swatch: var(--unchanged); }
.limits { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 0.5rem 2.5rem; }
.figure { margin-top: 0.125rem; font-size: 1.375rem; font-weight: 650; }
.figure span { color: var(--soft); font-size: 0.875rem; font-weight: 400; }
details { margin: 0.5rem 0; font-size: 0.875rem; }
summary { color: var(--link); cursor: pointer; width: max-content; max-width: 100%; }
.scroll { overflow-x: auto; }
#cluster table + .caption { margin-top: 1.25rem; }
.fields { list-style: none; }
.list .says { display: block; margin-top: 0.25rem; }
.list .kind { font-weight: 400; }
.list .words { font-size: 0.875rem; }
.seconds { color: var(--dim); }

.note, footer { color: var(--soft); font-size: 0.8125rem; }

main { display: grid; gap: 1.25rem; grid-template-columns: minmax(0, 1fr); }

.verdict {
  padding: clamp(1.25rem, 3vw, 2rem) clamp(1.125rem, 3vw, 2rem);
  border-radius: 0.75rem;
  border: 1px solid var(--line);
  background: linear-gradient(var(--tone), var(--tone)) 0 0 / 0.375rem 100% no-repeat var(--panel);
}
.verdict.good { --tone: var(--good); }
.verdict.attention { --tone: var(--attention); }
.verdict.bad { --tone: var(--bad); }
.verdict.waiting { --tone: var(--waiting); }
.verdict h1 {
  max-width: 40ch;
  font-size: clamp(1.5rem, 1.1rem + 1.8vw, 2.25rem);
  font-weight: 650;
  line-height: 1.2;
  letter-spacing: -0.015em;
  text-wrap: balance;
}
.verdict.bad h1 { color: var(--bad); }
.verdict.attention h1 + p { color: var(--attention); font-weight: 600; }
.verdict p { max-width: 75ch; margin-top: 0.5rem; font-size: 1.0625rem; }
.verdict p + p { margin-top: 0.25rem; color: var(--soft); font-size: 0.9375rem; }

.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1px; overflow: hidden;
  border: 1px solid var(--line); border-radius: 0.75rem; background: var(--line); }
.facts > div { padding: 0.875rem 1.125rem; background: var(--panel); }
.facts dt { color: var(--soft); font-size: 0.8125rem; }
.facts dd { margin-top: 0.125rem; font-size: 1.125rem; font-weight: 600; }

.pair { display: grid; gap: 1.25rem; grid-template-columns: minmax(0, 1fr); align-items: start; }
.panel { padding: 1.125rem 1.25rem 0.75rem; border: 1px solid var(--line); border-radius: 0.75rem; background: var(--panel); }
.panel h2 { display: inline; font-size: 1.0625rem; font-weight: 650; }
.hint { color: var(--soft); font-size: 0.8125rem; }
.empty { padding: 0.5rem 0; color: var(--soft); }

table { width: 100%; border-collapse: collapse; }
caption, .caption { padding-bottom: 0.5rem; text-align: left; }
caption h2, .caption h2 { margin-right: 0.375rem; }
th, td { padding: 0.5rem 0.625rem; text-align: left; vertical-align: baseline; border-top: 1px solid var(--line); }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
th { font-weight: 500; }
thead th { padding-top: 0.25rem; padding-bottom: 0.375rem; border-top: 0; color: var(--soft); font-size: 0.8125rem; font-weight: 500; white-space: nowrap; }
tfoot th, tfoot td { font-weight: 600; }
.number { text-align: right; white-space: nowrap; }
.nothing, .absent { color: var(--dim); }
.notable { color: var(--bad); font-weight: 650; }

.badge {
  display: inline-block;
  padding: 0.0625rem 0.5rem;
  border-radius: 1rem;
  background: var(--waiting-ground);
  color: var(--waiting);
  font-size: 0.8125rem;
  font-weight: 550;
  white-space: nowrap;
}
.badge.good { background: var(--good-ground); color: var(--good); }
.badge.attention { background: var(--attention-ground); color: var(--attention); }
.badge.bad { background: var(--bad-ground); color: var(--bad); }
.badge.busy { background: var(--busy-ground); color: var(--busy); }

.reasons { list-style: none; margin-top: 0.125rem; color: var(--soft); font-size: 0.8125rem; }
.reasons li { display: inline-block; margin-right: 0.75rem; }
.reasons span { color: var(--ink); }

.sentence td { padding-top: 0; border-top: 0; color: var(--bad); font-size: 0.875rem; }
.runs time { white-space: nowrap; }
.errors th { font-weight: 400; }
.errors .says { display: block; margin-top: 0.25rem; font-weight: 550; }
.code, code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: 0.8125rem; overflow-wrap: anywhere; }
.errors .last { white-space: nowrap; }
.errors .example, .errors .todo { font-size: 0.875rem; }
.errors .thread { display: block; color: var(--soft); font-size: 0.8125rem; }

footer { display: flex; flex-wrap: wrap; gap: 0.25rem 1.5rem; padding-top: 1.5rem; }

@media (min-width: 62rem) {
  .list .words { min-width: 16rem; }
  .list .kind { width: 26%; }
  .pair { grid-template-columns: minmax(0, 1.15fr) minmax(0, 1fr); }
  .errors th[scope="row"] { width: 26%; }
  .errors .example { width: 27%; }
}

@media (max-width: 61.99rem) {
  .cards, .cards tbody { display: block; }
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  .cards th, .cards td { padding: 0; border: 0; }
  .cards .number { text-align: left; }

  .runs tr { display: flex; flex-wrap: wrap; gap: 0.125rem 0.75rem; align-items: baseline; }
  .runs tbody { padding: 0.625rem 0; border-top: 1px solid var(--line); }
  .runs tr::before { flex-basis: 100%; order: 1; content: ""; }
  .runs th { min-width: 2.5rem; }
  .runs .started { min-width: 6rem; font-weight: 550; }
  .runs .outcome { min-width: 6rem; }
  .runs .took { min-width: 6.5rem; }
  .runs .trigger { min-width: 4.5rem; }
  .runs .took, .runs .trigger, .runs .window { color: var(--soft); }
  .runs .took::before { content: "took "; }
  .runs .unfinished::before { content: "so far "; }
  .runs .window::before { content: "read "; }
  .runs .count { flex: 0 0 calc((100% - 3.75rem) / 6); order: 2; }
  .runs .count::after { color: var(--soft); font-size: 0.75rem; font-weight: 400; content: " " attr(data-label); }
  .runs .absent { display: none; }
  .runs .sentence td { margin-top: 0.25rem; }

  .list tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.25rem, 1fr)); gap: 0.5rem 0.75rem; padding: 0.875rem 0; border-top: 1px solid var(--line); }
  .list td, .list th { overflow-wrap: anywhere; }
  .list td::before { display: block; color: var(--soft); content: attr(data-label); font-size: 0.75rem; font-family: system-ui, sans-serif; }
  .list th, .list .words { grid-column: 1 / -1; }
  .list .who { grid-column: span 2; }
  .list td:has(.buttons) { grid-column: 1 / -1; }

  .errors tr { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0.5rem 0.75rem; padding: 0.875rem 0; border-top: 1px solid var(--line); }
  .errors td::before { display: block; color: var(--soft); content: attr(data-label); font-size: 0.75rem; }
  .errors th, .errors .example, .errors .todo { grid-column: 1 / -1; }
}

@media (max-width: 48rem) {
  .lock { order: 1; }
  .bar nav { order: 2; flex-basis: 100%; }
}

@media (max-width: 33rem) {
  .panel { padding: 1rem 0.875rem 0.5rem; }
  caption .hint, .caption .hint { display: block; }
  .facts { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .facts > div { padding: 0.75rem 0.875rem; }
  .facts dd { font-size: 1rem; }
  th, td { padding-left: 0.375rem; padding-right: 0.375rem; }
  .pair table { font-size: 0.875rem; }
  .runs th, .runs .started, .runs .outcome, .runs .took, .runs .trigger { min-width: 0; }
  .runs .outcome { margin-left: auto; }
  .runs .took, .runs .trigger, .runs .window { order: 1; }
  .runs .count, .runs .sentence td { order: 3; }
  .runs .count { flex-basis: auto; }
  .runs tr::after { flex-basis: 100%; order: 2; content: ""; }
}
`;
