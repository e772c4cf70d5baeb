# release.cmake - builds the programs as they are installed, and the crowd that measures them, into BINARY.
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BINARY} -G Ninja -D CMAKE_BUILD_TYPE=RelWithDebInfo
  -D BUILD_TESTING=ON COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BINARY} -j 2 --target zchat-broker zchat zchat-logger crowd
  COMMAND_ERROR_IS_FATAL ANY)
