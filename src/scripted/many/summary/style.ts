export const summaryStyle = `
:root { color-scheme: light dark; --ink: #1d2228; --dim: #667079; --page: #fff; --line: #d9dde1; --bar: #3b6fb6; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e6e9; --dim: #97a1ab; --page: #16191d; --line: #343a41; --bar: #7aa7e0; --bad: #ff8a80 }
}
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem }
h1 { font-size: 1.3rem }
h2 { font-size: 1.05rem; margin-top: 2rem }
.facts, figcaption { color: var(--dim); font-size: .85rem }
figure { margin: 1rem 0 }
svg { width: 100%; max-width: 40rem; height: auto; display: block }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink) }
svg .name { text-anchor: end; fill: var(--dim) }
rect { fill: var(--bar) }
.table { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .7rem; text-align: right; white-space: nowrap }
th:first-child { text-align: left; overflow-wrap: anywhere; white-space: normal }
tbody th { font-weight: 400 }
.failed th, .failed td:nth-child(2) { color: var(--bad) }
`;
