"""The messages of the studio's protocol, version 1: see `backlit.studio.protocol`."""

from __future__ import annotations

from backlit.studio.protocol import (
    LONGEST_TEXT,
    Direction,
    MessageKind,
    anything,
    flag,
    number,
    several,
    text,
    thing,
    whole,
)

ROW = whole("row", "row of the data as `data` numbered them", optional=True)
SIDE = text("side", "a: the network; b: the one beside it", "a", "b", optional=True)

ONLY = text("side", "in which of two networks; in both, if it isn't said", "a", "b", optional=True)

ASKED = (
    MessageKind(
        "hello",
        "ask",
        "The first message of a page; answered by `welcome`, `state` and `data`.",
        (whole("version", "of the protocol that the page speaks", 1), text("language", "en or ko", "en", "ko", optional=True)),
    ),
    MessageKind(
        "configure",
        "ask",
        "Build anew from a state: all of it, or the parts that change (data, network, training), each whole. Training begins at "
        "update 0, unless the state has `history` and `at`. Answered by `state` and `data`.",
        (thing("state", "a state as `state` tells it, or parts of it"),),
    ),
    MessageKind(
        "upload",
        "ask",
        "A file: a table (CSV, JSON, Excel), a text, or pictures (a zip of class folders, npz). Sent as a binary frame. Answered by `uploaded`; nothing is trained before "
        "`configure` names it in `data`.",
        (text("name", "the file's name, of which only the ending counts", most=200), text("kind", "what it is", "table", "text", "pictures")),
        arrays="file: u1, its bytes",
    ),
    MessageKind("step", "ask", "Some updates, or epochs.", (whole("updates", "updates to make", 1, 100_000, optional=True), whole("epochs", "epochs to make, in place of updates", 1, 10_000, optional=True))),
    MessageKind("play", "ask", "Train until `pause`.", (whole("speed", "updates from one frame to the next; 0: as fast as they come", 0, 100_000, optional=True),)),
    MessageKind("pause", "ask", "Stop: what plays, and a `step` or `seek` under way, after at most 64 updates more."),
    MessageKind("seek", "ask", "Go to an update, back or forth; states of the past are computed again, bit for bit.", (whole("update", "how many updates were made there"),)),
    MessageKind("reset", "ask", "Back to update 0; the history of changes is forgotten."),
    MessageKind("rate", "ask", "Another learning rate from here on; what was trained beyond this update is forgotten.", (number("value", "the rate", 0, 1000), ONLY)),
    MessageKind(
        "edit",
        "ask",
        "Set one weight, here and now.",
        (text("place", "parameter and index: 0/weight[1,2] (unit, input), 0/bias[1]", most=200), number("value", "its new value", -1e9, 1e9), ONLY),
    ),
    MessageKind(
        "freeze",
        "ask",
        "Hold a unit's incoming weights and bias from here on, or let them go again.",
        (text("layer", "path of its layer, as in `state`: 0", most=200), whole("unit", "counted from 0"), flag("on", "hold or let go"), ONLY),
    ),
    MessageKind(
        "look",
        "ask",
        "What frames are to carry, and how finely.",
        (
            several("panels", "some of boundary, units, weights, curves, histograms, flow, ratios, doctor, text, reading", optional=True, most=20),
            whole("grid", "points along each side of maps", 8, 128, optional=True),
            ROW,
            text("side", "whose inside it is (histograms, flow, ratios, doctor); a, if it isn't said", "a", "b", optional=True),
        ),
    ),
    MessageKind("seen", "ask", "The page has drawn a frame, and may be sent the next one.", (whole("frame", "its number"),)),
    MessageKind(
        "explain",
        "ask",
        "Where a weight's next step comes from, or what a unit computes. Answered by `explained`.",
        (
            text("weight", "place of a weight: 0/weight[1,2]", optional=True, most=200),
            text("layer", "of a unit: path of its layer", optional=True, most=200),
            whole("unit", "of a unit: counted from 0", optional=True),
            text("gate", "of a unit of a text's network: whose incoming weights are listed", optional=True, most=40),
            ROW,
            SIDE,
        ),
    ),
    MessageKind("walk", "ask", "Forward pass, backward pass and update of a row, step by step. Answered by `walked`.", (text("example", "a worked example of the notes in place of the network; there a rate of 0.5", "W1", "W2", optional=True), ROW)),
    MessageKind("pull", "ask", "What the network computes for inputs that someone pulls at. Answered by `pulled`.", (several("inputs", "one number for each input of the network", most=5000), ROW, SIDE)),
    MessageKind(
        "picture",
        "ask",
        "What each layer makes of a picture, one of the data or one that was drawn. Answered by `pictured`.",
        (ROW, SIDE),
        arrays="pixels: f4 (height, width, channels) from 0 to 1, in place of a row",
    ),
    MessageKind("mistakes", "ask", "Pictures that are taken for another class. Answered by `mistaken`.", (SIDE,)),
    MessageKind("surface", "ask", "The loss along two directions with the path of training (Li et al., 2018). Answered by `surface`.", (whole("grid", "points along each side", 5, 61, optional=True),)),
    MessageKind("compare", "ask", "A second network beside the first, on the same data and seed, with one difference. Answered by `state`.", (thing("change", "parts of a state, as for `configure`; {} ends it"),)),
    MessageKind("keep", "ask", "End the comparison with the second network in the first one's place."),
    MessageKind("discard", "ask", "End the comparison with the first network."),
    MessageKind("doctor", "ask", "What the doctor says at this update. Answered by `findings`.", (SIDE,)),
    MessageKind("try", "ask", "A finding's remedy beside the network: a comparison. Answered by `state`.", (text("key", "of the finding", most=200),)),
    MessageKind("break", "ask", "Plant a fault, which isn't named. Answered by `state`.", (whole("seed", "of the choice", optional=True),)),
    MessageKind("guess", "ask", "Say which fault was planted. Answered by `judged`.", (text("key", "of the fault, as `catalog` lists them", most=200),)),
    MessageKind("assign", "ask", "Begin a task, or lay it aside. Answered by `state` and `data`.", (anything("task", "{key} of an exercise of `catalog`, a task as a link or `state` holds it, or null", optional=True), anything("state", "reached in it, as a link holds it; its beginning, if it isn't said", optional=True), flag("again", "begin the task that there is anew, in place of another", optional=True))),
    MessageKind("check", "ask", "Whether the task's goal is reached at this update. Answered by `checked`."),
    MessageKind("help", "ask", "Answered by `helped`.", (text("of", "which help", "hint", "solution"),)),
    MessageKind("share", "ask", "What is seen as the beginning of a task. Answered by `shared`.", (thing("task", "{title, text, hint, goals, may, most_units, most_layers, most_weights, most_updates}"), whole("pupils", "for the command", 1, 200, optional=True))),
    MessageKind("code", "ask", "What is seen as Python, command and link. Answered by `code`.", (SIDE,)),
    MessageKind("draw", "ask", "The network as a picture. Answered by `drawn`.", (text("depth", "its layers, unrolled over time, or the cell of a recurrent layer", "layers", "time", "cell"), whole("step", "of the cell, counted from 1; the last one if left out", 1, optional=True), text("language", "of the words in it; English if left out", "en", "ko", optional=True), ROW, SIDE)),
    MessageKind("say", "ask", "A text network writes on from a start. Answered by `said`.", (text("start", "how the text begins", most=1000), whole("characters", "to write", 1, 1000, optional=True), number("temperature", "0: always the likeliest; 1: by the network's probabilities", 0, 5, optional=True), whole("seed", "of what is drawn", optional=True), SIDE)),
)  # fmt: skip

TOLD = (
    MessageKind(
        "welcome",
        "tell",
        "Answers `hello`.",
        (
            whole("version", "of the protocol", 1),
            text("backlit", "version of Backlit"),
            thing("catalog", "what there is to choose from, with bounds, defaults, and titles {en, ko}"),
            thing("limits", "rows, bytes, units, layers, weights, updates: the most of each"),
        ),
    ),
    MessageKind(
        "state",
        "tell",
        "All that says what is seen: sent after whatever changes it. `state` can be sent back with `configure`, held in a link, or kept to "
        "undo.",
        (
            thing("state", "{data, network, training, history, at}"),
            thing("at", "{update, epoch, updates_per_epoch, furthest, playing, speed}: time"),
            several("layers", "of the built network, inputs first: {path, kind, units, shape, activation, parameters, frozen}"),
            several("notes", "what is worth saying about it, each {en, ko}"),
            anything("compare", "of the second network: its state and layers, or null", optional=True),
            flag("planted", "whether a fault was planted and not yet found"),
            anything("assignment", "the task: {key, title, text, hint, goals, may, may_words, bounds, bound, solved, task: as `assign` takes it}, or null", optional=True),
        ),
    ),
    MessageKind(
        "data",
        "tell",
        "The rows, after each `configure`.",
        (
            text("task", "what is learned", "classification", "regression", "text"),
            several("columns", "names of the inputs"),
            anything("classes", "names of the classes, or null", optional=True),
            anything("shown", "the two inputs that the plane shows, or null: {axes: [i, j], projected, note: {en, ko}}", optional=True),
            several("range", "[[low, high], [low, high]] of the plane"),
            whole("rows", "of the data", 0),
            anything("picture", "[height, width, channels] where rows are pictures, or null", optional=True),
            anything("text", "of a text: {text, steps, starts}: all of it, characters of a row, where each row starts; or null", optional=True),
        ),
        arrays="pictures: u1 (some, height, width, channels), the first of them; plane: f4 (rows, 2), places on the plane; y: f4 (rows,), class numbers or numbers; held: u1 (rows,), 1 for rows held back from training",
    ),
    MessageKind(
        "frame",
        "tell",
        "The network as it is at an update: what `look` asked for. The page answers with `seen`.",
        (
            whole("frame", "number of the frame"),
            whole("update", "updates made"),
            number("epoch", "updates made by those of an epoch"),
            flag("playing", "whether more updates follow by themselves"),
            anything("loss", "of the last update's rows, null before the first or if it isn't finite", optional=True),
            anything("held_loss", "of the rows held back, or null", optional=True),
            anything("accuracy", "{train, held} of a classification, or null", optional=True),
            whole("curves_from", "number of the first update that `curves` holds; earlier ones were sent before", optional=True),
            whole("curves_apart", "updates that each row of `curves` stands for: the mean of their losses, the last held loss", 1, optional=True),
            several("findings", "of the doctor: {key, title: {en, ko}, layer}", optional=True),
            anything("diverged", "{en, ko}: where the first NaN or infinity came from, or null", optional=True),
            several("histograms", "layer by layer {layer, low, high, counts, dead, saturated}", optional=True),
            several("flow", "layer by layer {layer, gradient, ratio, steps}: norms of the gradient, update by weight, and by time step", optional=True),
            anything("compare", "{loss, held_loss, accuracy, diverged} of the second network, whose arrays begin with b:", optional=True),
            anything("text", "what a text network writes: {now, log: [[update, text]], other}, with `other` of the second network; or null", optional=True),
            anything("reading", "a row of a text: {row, text: its characters and the one after them, letters, layers: [{path, kind, states}], other: the second network's layers}, or null", optional=True),
        ),
        arrays="boundary: f4 (grid, grid), of classes (grid, grid, classes), rows from the bottom up; units/PATH: f4 (units, grid, grid); "
        "param/PATH: f4, each parameter by its path (param/0/weight); curves: f4 (updates, 2), loss and held loss of each update since the last frame, or of several each; "
        "values/PATH: f4 (units,), of the row that was last asked about; steps/output: f4 (steps, letters), probabilities of the next "
        "character; steps/PATH/STATE: f4 (steps, units), of a recurrent layer's hidden, cell and gates",
    ),
    MessageKind("done", "tell", "Something that was asked is done.", (text("asked", "the message's type"), anything("at", "time, as in `state`", optional=True))),
    MessageKind("error", "tell", "Something that was asked can't be done; nothing has changed.", (text("asked", "the message's type", optional=True), thing("what", "{en, ko}"), text("field", "part of the state that is wrong", optional=True))),
    MessageKind("note", "tell", "Something that a person should know: {en, ko}.", (thing("what", "{en, ko}"),)),
    MessageKind(
        "uploaded",
        "tell",
        "A file as it is understood.",
        (
            text("file", "name by which `configure` calls it"),
            whole("rows", "rows of a table, characters of a text"),
            several("columns", "{name, kind, note: {en, ko}, input}, as `backlit train` understands them"),
            anything("target", "the column that would be predicted, or null", optional=True),
            several("notes", "what was done with it, each {en, ko}", optional=True),
        ),
    ),
    MessageKind(
        "explained",
        "tell",
        "A weight or unit in symbols and numbers; all numbers in float64, for the row that was asked about or the next batch.",
        (
            whole("update", "of the state that it is of"),
            anything("weight", "{place, symbol, value, gradient, upstream, local, downstream, new, rule, lines: [{text, latex}], factors, note: {en, ko}, why the next value isn't the optimizer's}; of a text's network through_time: [{step, letter, upstream, local, product}]", optional=True),
            anything("unit", "{layer, unit, formula, lines, weights, bias, value, activation, alive, low, high, mean}", optional=True),
            anything("rows", "how many rows the gradient is the mean of", optional=True),
            SIDE,
        ),
        arrays="map: f4 (grid, grid), of a unit over the plane",
    ),
    MessageKind("walked", "tell", "The passes of a row.", (several("nodes", "{id, column, row, name, kind}"), several("edges", "{from, to, weight, place}"), several("steps", "{phase, node, place, symbols, numbers, value, text: {en, ko}}"), anything("example", "W1, W2 or null", optional=True))),
    MessageKind("pulled", "tell", "What reaches each layer, for inputs that were pulled at.", (several("inputs", "as they were sent"), several("layers", "{path, values}"), anything("output", "{values, class, probabilities}"))),
    MessageKind(
        "pictured",
        "tell",
        "What the network makes of a picture.",
        (
            whole("update", "of the state that it is of"),
            anything("row", "which one, or null for one that was drawn", optional=True),
            anything("probabilities", "of each class, or null", optional=True),
            anything("class", "number of the likeliest, or null", optional=True),
            anything("truth", "number of the row's class, or null", optional=True),
            SIDE,
        ),
        arrays="pixels: f4 (height, width, channels); features/PATH: f4, each layer's output: (height, width, channels), at most 32 of "
        "them, or (units,)",
    ),
    MessageKind(
        "mistaken",
        "tell",
        "Pictures that are taken for another class, the surest first.",
        (
            whole("update", "of the state that it is of"),
            whole("judged", "pictures that were looked at"),
            flag("held", "whether these are held back from training"),
            whole("wrong", "how many of them are wrong"),
            several("rows", "numbers of the wrong ones that are shown"),
            several("truth", "their classes"),
            several("taken", "the classes that they are taken for"),
            anything("sure", "probabilities of those, or null", optional=True),
            SIDE,
        ),
        arrays="pictures: u1 (shown, height, width, channels); confusion: i4 (classes, classes), how many of each class (row) are taken for each",
    ),
    MessageKind("surface", "tell", "The loss along two directions.", (several("range", "[[low, high], [low, high]] along both"), several("explained", "share of the path along each direction"), text("kind", "pca: of the path; random: of filter-normalised directions", "pca", "random")), arrays="loss: f4 (grid, grid); path: f4 (points, 2); updates: f4 (points,)"),
    MessageKind("findings", "tell", "What the doctor says.", (several("findings", "{key, severity, title, text, remedy: each {en, ko}, layer, change}"), whole("update", "of the state that it is of"))),
    MessageKind("judged", "tell", "Whether a guess is right.", (flag("right", "whether it is"), thing("what", "{en, ko}"))),
    MessageKind("checked", "tell", "How a task stands.", (flag("met", "whether all is reached at this update"), flag("solved", "whether it ever was"), several("parts", "goal by goal {text: {en, ko}, value, met}"), thing("what", "{en, ko}"), whole("update", "of the state that it is of"))),
    MessageKind("helped", "tell", "A task's hint or solution.", (text("of", "hint or solution", "hint", "solution"), thing("what", "{en, ko}"), anything("state", "the solution as a state, or null", optional=True))),
    MessageKind("shared", "tell", "A task to hand on.", (text("link", "the part of an address after #", most=LONGEST_TEXT), text("command", "that opens it for a class", most=LONGEST_TEXT), several("goals", "in words, each {en, ko}"))),
    MessageKind("code", "tell", "What is seen, to be copied.", (text("python", "a program", most=LONGEST_TEXT), text("command", "a shell command", most=LONGEST_TEXT), text("link", "the part of an address after #; without data", most=LONGEST_TEXT), several("notes", "what to know about it, each {en, ko}"))),
    MessageKind("drawn", "tell", "A picture.", (text("depth", "as it was asked for"), text("svg", "the picture as SVG, self-contained", most=LONGEST_TEXT), text("title", "what is seen"), text("text", "the same in words"), whole("update", "of the state that it is of"))),
    MessageKind("said", "tell", "What a text network wrote.", (text("text", "with its start", most=LONGEST_TEXT), whole("start", "characters of the start"), whole("update", "of the state that it is of"), several("steps", "of each character that was written: {letter, chance, likeliest: [[letter, chance]]}"))),
)  # fmt: skip

MESSAGES: dict[Direction, dict[str, MessageKind]] = {
    "ask": {kind.name: kind for kind in ASKED},
    "tell": {kind.name: kind for kind in TOLD},
}
