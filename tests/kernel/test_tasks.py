import asyncio

from pavilion.kernel.tasks import being_cancelled


async def test_who_swallows_a_failure_still_learns_that_it_was_told_to_end():
    begun, ends = asyncio.Event(), asyncio.Event()

    async def fails():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("on the way out")

    async def goes_on():
        while not being_cancelled():
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(fails())
            except* OSError:
                ends.set()

    task = asyncio.create_task(goes_on())
    await begun.wait()
    assert not being_cancelled()
    task.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait([task])
    assert ends.is_set()
