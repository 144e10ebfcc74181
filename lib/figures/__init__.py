"""Figures of the book: one module a chapter, a Dataset in and a matplotlib figure out.

Nothing here computes or trains. `lib.figures.style` is the one look of all figures, `lib.figures.interact` the
one way to put a slider on a page. Figure modules are imported one by one, so that importing `lib` stays cheap.
"""
