// How to read the page.
pages.help = () => ({title: "How to read", nodes: [h("h1", null, "How to read this page"),
  section("Numbers", listed([
    "0.750 ± 0.061 is the mean and the sample standard deviation over seeds. Each seed holds other places out; every model has the same ones. It is not a standard error. A second ± is the spread over trainings of the model.",
    ...data.judged,
    "Rank 2–5 says which ranks a row may really have, from the same comparisons; each end holds with 95 % for that row (marginal confidence sets of Mogstad, Romano, Shaikh and Wilhelm 2024, one-sided). Rank 1 is open to bold rows and no others, so a best row that is separable from every other has rank 1 alone. Where nothing is bold there are no ranks.",
    "Rows of two tables are never ranked against each other: a table has one city, task, split, set of inputs on offer, and head."])),
  section("Kinds of rows", listed([
    "A floor learns no representation: it counts POIs, measures footprints, or knows where a unit lies. A floor that wins is a finding.",
    "A frozen row is of features, or of a model before its first step, of which nothing was trained. Every other model is learned.",
    "Floors of other inputs use what the table does not offer; they stand, grey, where their score puts them, and are never ranked.",
    "Rows that know where they are can interpolate between neighbours; a question’s page can show them apart.",
    "◇ had not converged: a cap ended its training. † is an own run beside reference rows. Rows that lack a part of their model for want of data say so in their name."])),
  section("Ways to hold places out", listed([
    "random: test places lie among training places, as when gaps of a sampled city are filled.", "block: whole square blocks are held out, as in a district that nobody has sampled.", "buffered, knndm, group: further steps away from what was sampled.", "paper:…: a paper’s own protocol, in sections of its own.", "city-out: a whole city is held out."])),
  section("Gains, costs, maps", listed([
    "Adds: how much better a model and the best floor are together than that floor alone. The hollow mark is what a second floor adds instead.",
    "Time: vectors, training included, and the head for all seeds. Times of two machines are never compared. Of processor: what processors computed, whatever else the machine did meanwhile. ≥: what was read from a cache had cost more than is known.",
    "Maps show the mean over the seeds that tested a unit. Residual is predicted minus true. Colours end at the 2nd and 98th percentile."])),
  h("p", null, "More: ", h("code", null, "docs/reading_the_board.md"), ", ", h("code", null, "docs/reading_statistics.md"), ", ", h("code", null, "docs/protocol.md"), "."),
]});
