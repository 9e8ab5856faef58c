"""What works around Lightning, one file for each fault, or for each private part of Lightning that is used.

Each file says the fault, the version it was seen in and when the file can go. ``tests/lightning_fixes`` runs plain
Lightning without each workaround: a test that fails there says that Lightning has mended the fault.

::

    epoch_end          a checkpoint of an epoch's last step loses the epoch's validation, and an epoch in the count
    epoch_count        by max_steps, a run that is resumed twice repeats the number of an epoch
    steps_saved        a resumed ModelCheckpoint by steps saves in the middle of the next step
    run_length         asked for the number of its steps, a resumed run begins its epoch anew
    checkpoint_files   checkpoints go through the system's temporary folder
    hyperparameters    a checkpoint's hyperparameters override the command line
    optimizer_options  a resumed run ignores another learning rate, momentum or weight decay
    averaged_weights   a checkpoint of weights only has the current weights instead of the averaged ones
    init_args          another class in a later config keeps the arguments of the class before it (jsonargparse)
    ranks              a rank that fails leaves the ranks that it has started alone
    interrupt          Ctrl-C ends as SystemExit(1), without a word
    leaf_spec          torch warns of what Lightning asks it for
    advice             every run begins with advice to buy something, and with TPUs that are not there
    slow_imports       Lightning imports two large packages for one name each
    logged_step        the step that Lightning logs by has no public name

One workaround stands in the configs: their second ModelCheckpoint writes ``last.ckpt``, because ``save_last`` leaves
out the epochs that are not the best. What `lightning_app.callbacks` does needs public hooks only.
"""
